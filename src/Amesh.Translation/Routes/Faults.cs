using Amesh.Apisix;
using Envoy.Extensions.Filters.Common.Fault.V3;
using Envoy.Extensions.Filters.Http.Fault.V3;
using EnvoyAbort = Envoy.Extensions.Filters.Http.Fault.V3.FaultAbort;
using EnvoyDelay = Envoy.Extensions.Filters.Common.Fault.V3.FaultDelay;
using FaultAbort = Amesh.Apisix.FaultAbort;
using FaultDelay = Amesh.Apisix.FaultDelay;

namespace Amesh.Translation.Routes;

/// <summary>Envoy's fault filter, as a route or a virtual host configures it.</summary>
/// <remarks>
/// Not APISIX's fault-injection: it counts in whole percents, and its order against Amesh's own plugin would be by
/// priority, not Envoy's (delay, then abort, then everything else), and it knows nothing of faults that the request asks for.
/// </remarks>
internal static class Faults
{
    private const string DownstreamNode = "amesh_header_x-envoy-downstream-service-node";

    /// <param name="fault">The filter's configuration.</param>
    /// <param name="cluster">The route's cluster; empty where it has none or several.</param>
    /// <param name="diagnostics">Where it stands.</param>
    public static Fault? Translate(HTTPFault fault, string cluster, DiagnosticScope diagnostics)
    {
        if (fault.UpstreamCluster.Length > 0 && fault.UpstreamCluster != cluster)
        {
            if (cluster.Length == 0)
            {
                diagnostics.NotYet("upstream_cluster", "of several clusters none is known when faults are decided; the fault is left out");
            }

            return null;
        }

        var when = new List<Predicate>();
        for (int i = 0; i < fault.Headers.Count; i++)
        {
            if (RouteMatching.HeaderCondition(fault.Headers[i], diagnostics.At($"headers[{i}]")) is not { } condition)
            {
                return null;
            }

            when.Add(condition);
        }

        if (fault.DownstreamNodes.Count > 0)
        {
            when.Add(Predicate.AnyOf([.. fault.DownstreamNodes.Select(node => Predicate.Equal(DownstreamNode, node))]));
        }

        var result = new Fault
        {
            When = when.Count == 0 ? null : when,
            MaxActive = fault.MaxActiveFaults,
            Delay = Delay(fault.Delay),
            Abort = Abort(fault.Abort),
            Rate = Rate(fault.ResponseRateLimit),
        };
        return result.Delay is null && result.Abort is null && result.Rate is null ? null : result;
    }

    private static FaultDelay? Delay(EnvoyDelay? delay)
    {
        if (delay?.HeaderDelay is not null)
        {
            return new FaultDelay(Fractions.Ppm(delay.Percentage)) { HeaderUnit = Fractions.Unit(delay.Percentage) };
        }

        // Without a length, or with none, there is no delay in Envoy either.
        return Durations.Limit(delay?.FixedDelay) is { } seconds ? new FaultDelay(Fractions.Ppm(delay!.Percentage)) { Seconds = seconds } : null;
    }

    private static FaultAbort? Abort(EnvoyAbort? abort) => abort?.ErrorTypeCase switch
    {
        EnvoyAbort.ErrorTypeOneofCase.HttpStatus => new FaultAbort(Fractions.Ppm(abort.Percentage)) { Status = abort.HttpStatus },
        EnvoyAbort.ErrorTypeOneofCase.GrpcStatus => new FaultAbort(Fractions.Ppm(abort.Percentage)) { Status = 200, GrpcStatus = abort.GrpcStatus },
        EnvoyAbort.ErrorTypeOneofCase.HeaderAbort => new FaultAbort(Fractions.Ppm(abort.Percentage)) { HeaderUnit = Fractions.Unit(abort.Percentage) },
        _ => null,
    };

    private static FaultRate? Rate(FaultRateLimit? limit) => limit?.LimitTypeCase switch
    {
        FaultRateLimit.LimitTypeOneofCase.FixedLimit => new FaultRate(Fractions.Ppm(limit.Percentage)) { Kbps = limit.FixedLimit.LimitKbps },
        FaultRateLimit.LimitTypeOneofCase.HeaderLimit => new FaultRate(Fractions.Ppm(limit.Percentage)) { HeaderUnit = Fractions.Unit(limit.Percentage) },
        _ => null,
    };
}
