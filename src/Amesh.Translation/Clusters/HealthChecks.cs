using Amesh.Apisix;
using Amesh.Health;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Type.Matcher.V3;
using Envoy.Type.V3;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using EnvoyCheck = Envoy.Config.Core.V3.HealthCheck;
using HealthCheck = Amesh.Health.HealthCheck;

namespace Amesh.Translation.Clusters;

/// <summary>How a cluster's endpoints are checked, beside the check itself.</summary>
/// <param name="Check">The check.</param>
/// <param name="Host">The Host, or the authority, of the check.</param>
/// <param name="SocketMarks">The marks by which the endpoint's transport socket is chosen for checks; empty: as for requests.</param>
internal sealed record HealthChecking(HealthCheck Check, string Host, string SocketMarks)
{
    /// <summary>Whether an endpoint that the control plane takes back goes at once, healthy or not.</summary>
    public bool ForgetsRemoved { get; init; }

    /// <summary>Whether a new endpoint does not count as one until its first check.</summary>
    public bool ExcludesUnchecked { get; init; }
}

/// <summary>Envoy's active health checks.</summary>
internal static class HealthChecks
{
    private const string Unchecked = "endpoints are as healthy as the control plane says";
    private const int BodyLimit = 1024;

    /// <summary>Null where nothing is checked.</summary>
    public static HealthChecking? Of(Cluster cluster, DiagnosticScope diagnostics)
    {
        if (cluster.HealthChecks.Count == 0 || cluster.Type == Cluster.Types.DiscoveryType.OriginalDst)
        {
            return null;
        }

        if (cluster.HealthChecks.Count > 1)
        {
            diagnostics.Refused("health_checks", "more than one, which Envoy refuses as well; the first is taken");
        }

        EnvoyCheck check = cluster.HealthChecks[0];
        DiagnosticScope scope = diagnostics.At("health_checks[0]");
        (HealthQuestion? question, string host) = QuestionOf(check, scope);
        return question is null ? null : new HealthChecking(
            new HealthCheck($"{cluster.Name} {Convert.ToBase64String(check.ToByteArray())}")
            {
                Timeout = Time(check.Timeout) ?? TimeSpan.FromSeconds(1),
                Interval = Time(check.Interval) ?? TimeSpan.FromSeconds(1),
                UnhealthyInterval = Time(check.UnhealthyInterval),
                UnhealthyEdgeInterval = Time(check.UnhealthyEdgeInterval),
                HealthyEdgeInterval = Time(check.HealthyEdgeInterval),
                NoTrafficInterval = Time(check.NoTrafficInterval) ?? TimeSpan.FromSeconds(60),
                NoTrafficHealthyInterval = Time(check.NoTrafficHealthyInterval),
                InitialJitter = Time(check.InitialJitter) ?? TimeSpan.Zero,
                IntervalJitter = Time(check.IntervalJitter) ?? TimeSpan.Zero,
                IntervalJitterPercent = check.IntervalJitterPercent,
                UnhealthyThreshold = Math.Max(1, check.UnhealthyThreshold ?? 1),
                HealthyThreshold = Math.Max(1, check.HealthyThreshold ?? 1),
                ReuseConnection = check.ReuseConnection ?? true,
                Alpn = check.TlsOptions is { AlpnProtocols.Count: > 0 } tls ? [.. tls.AlpnProtocols] : null,
                Question = question,
            },
            host.Length > 0 ? host : cluster.Name,
            Clusters.SocketMarks.Of(check.TransportSocketMatchCriteria))
        {
            ForgetsRemoved = cluster.IgnoreHealthOnHostRemoval,
            ExcludesUnchecked = cluster.CommonLbConfig?.IgnoreNewHostsUntilFirstHc ?? false,
        };
    }

    private static (HealthQuestion? Question, string Host) QuestionOf(EnvoyCheck check, DiagnosticScope diagnostics)
    {
        switch (check.HealthCheckerCase)
        {
            case EnvoyCheck.HealthCheckerOneofCase.HttpHealthCheck:
                return (HttpOf(check.HttpHealthCheck, diagnostics.At("http_health_check")), check.HttpHealthCheck.Host);
            case EnvoyCheck.HealthCheckerOneofCase.TcpHealthCheck:
                return (TcpOf(check.TcpHealthCheck), "");
            case EnvoyCheck.HealthCheckerOneofCase.GrpcHealthCheck:
                return (
                    new GrpcQuestion
                    {
                        Service = check.GrpcHealthCheck.ServiceName,
                        Metadata = HeadersOf(check.GrpcHealthCheck.InitialMetadata, diagnostics.At("grpc_health_check.initial_metadata")),
                    },
                    check.GrpcHealthCheck.Authority);
            default:
                diagnostics.NotYet("", $"a checker of another kind; {Unchecked}");
                return (null, "");
        }
    }

    private static HttpQuestion? HttpOf(EnvoyCheck.Types.HttpHealthCheck http, DiagnosticScope diagnostics)
    {
        if (http.CodecClientType == CodecClientType.Http3)
        {
            diagnostics.NotYet("codec_client_type", $"HTTP/3 is not spoken; {Unchecked}");
            return null;
        }

        return new HttpQuestion
        {
            Method = http.Method == RequestMethod.MethodUnspecified ? "GET" : http.Method.ToString().ToUpperInvariant(),
            Path = http.Path,
            Http2 = http.CodecClientType == CodecClientType.Http2,
            Headers = HeadersOf(http.RequestHeadersToAdd, diagnostics.At("request_headers_to_add")),
            RemovedHeaders = [.. http.RequestHeadersToRemove],
            Body = http.Send is null ? default : Bytes(http.Send),
            Expected = http.ExpectedStatuses.Count == 0 ? [(200, 201)] : Ranges(http.ExpectedStatuses),
            Retriable = Ranges(http.RetriableStatuses),
            Receive = [.. http.Receive.Select(Bytes)],
            MostReceived = http.ResponseBufferSize is { } limit ? limit == 0 ? int.MaxValue / 64 : (int)Math.Min(limit, int.MaxValue / 64) : BodyLimit,
            Service = MatchOf(http.ServiceNameMatcher, diagnostics.At("service_name_matcher")),
        };
    }

    private static TcpQuestion TcpOf(EnvoyCheck.Types.TcpHealthCheck tcp) => new()
    {
        Send = tcp.Send is null ? default : Bytes(tcp.Send),
        Receive = [.. tcp.Receive.Select(Bytes)],
        ProxyProtocol = tcp.ProxyProtocolConfig is null ? 0 : tcp.ProxyProtocolConfig.Version == ProxyProtocolConfig.Types.Version.V1 ? 1 : 2,
    };

    // Text is hexadecimal; Envoy refuses a cluster where it is not.
    private static ReadOnlyMemory<byte> Bytes(EnvoyCheck.Types.Payload payload) => payload.PayloadCase switch
    {
        EnvoyCheck.Types.Payload.PayloadOneofCase.Binary => payload.Binary.Memory,
        EnvoyCheck.Types.Payload.PayloadOneofCase.Text when payload.Text.Length % 2 == 0 && payload.Text.All(char.IsAsciiHexDigit) => Convert.FromHexString(payload.Text),
        _ => default,
    };

    private static IReadOnlyList<(long Start, long End)> Ranges(RepeatedField<Int64Range> ranges) => [.. ranges.Select(range => (range.Start, range.End))];

    // Most operators are about a request that a check is not.
    private static List<HealthHeader> HeadersOf(RepeatedField<HeaderValueOption> options, DiagnosticScope diagnostics)
    {
        var headers = new List<HealthHeader>();
        for (int i = 0; i < options.Count; i++)
        {
            HeaderValueOption option = options[i];
            string raw = option.Header.RawValue.IsEmpty ? option.Header.Value : option.Header.RawValue.ToStringUtf8();
            string value = raw.Replace("%%", "\0", StringComparison.Ordinal);
            if (value.Contains('%', StringComparison.Ordinal))
            {
                diagnostics.At($"[{i}]").NotYet("header.value", $"command operators in headers of health checks; {option.Header.Key} is left out");
                continue;
            }

            // Host and User-Agent are there before.
            bool replaces = option.Append == false || option.AppendAction is HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExistsOrAdd or HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExists;
            headers.Add(new HealthHeader(option.Header.Key, value.Replace('\0', '%'), replaces));
        }

        return headers;
    }

    private static StringMatch? MatchOf(StringMatcher? matcher, DiagnosticScope diagnostics)
    {
        StringMatch? match = StringMatches.Of(matcher);
        if (match is null && matcher is not null)
        {
            diagnostics.NotYet("", "this matcher is not known; the service's name is not looked at");
        }

        return match;
    }

    private static TimeSpan? Time(Duration? duration) =>
        duration is null ? null : TimeSpan.FromSeconds(Math.Clamp(Durations.Seconds(duration), 0, TimeSpan.FromDays(7).TotalSeconds));
}
