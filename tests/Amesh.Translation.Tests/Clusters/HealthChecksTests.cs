using Amesh.Health;
using Amesh.Translation.Clusters;
using Envoy.Config.Cluster.V3;
using Google.Protobuf;

namespace Amesh.Translation.Tests.Clusters;

public class HealthChecksTests
{
    private readonly List<Diagnostic> _found = [];

    [Fact]
    public void Times_and_thresholds_are_Envoys()
    {
        HealthCheck check = Of("""
            {"timeout": "2s", "interval": "10s", "unhealthyThreshold": 3, "healthyThreshold": 4, "noTrafficInterval": "5s", "unhealthyInterval": "6s",
             "unhealthyEdgeInterval": "7s", "healthyEdgeInterval": "8s", "noTrafficHealthyInterval": "9s", "initialJitter": "1s", "intervalJitter": "0.5s",
             "intervalJitterPercent": 20, "reuseConnection": false, "tlsOptions": {"alpnProtocols": ["hc"]}, "tcpHealthCheck": {}}
            """)!.Check;
        Assert.Equal([2, 10, 5, 6, 7, 8, 9, 1, 0.5], new[]
        {
            check.Timeout, check.Interval, check.NoTrafficInterval, check.UnhealthyInterval!.Value, check.UnhealthyEdgeInterval!.Value,
            check.HealthyEdgeInterval!.Value, check.NoTrafficHealthyInterval!.Value, check.InitialJitter, check.IntervalJitter,
        }.Select(time => time.TotalSeconds));
        Assert.Equal((3u, 4u, 20, false), (check.UnhealthyThreshold, check.HealthyThreshold, check.IntervalJitterPercent, check.ReuseConnection));
        Assert.Equal(["hc"], check.Alpn!);
        Assert.Equal(60, Of("""{"tcpHealthCheck": {}}""")!.Check.NoTrafficInterval.TotalSeconds);
    }

    [Fact]
    public void HTTP()
    {
        HealthChecking checking = Of("""
            {"httpHealthCheck": {"path": "/h", "host": "h.test", "method": "HEAD", "codecClientType": "HTTP2",
              "expectedStatuses": [{"start": "200", "end": "300"}], "retriableStatuses": [{"start": "503", "end": "504"}],
              "requestHeadersToAdd": [{"header": {"key": "a", "value": "100%%"}, "appendAction": "OVERWRITE_IF_EXISTS_OR_ADD"}, {"header": {"key": "b", "value": "%START_TIME%"}}],
              "requestHeadersToRemove": ["c"], "receive": [{"text": "4f4B"}], "serviceNameMatcher": {"safeRegex": {"regex": "r.*"}}}}
            """)!;
        var question = Assert.IsType<HttpQuestion>(checking.Check.Question);
        Assert.Equal("h.test", checking.Host);
        Assert.Equal(("HEAD", "/h", true), (question.Method, question.Path, question.Http2));
        Assert.Equal((200, 300), Assert.Single(question.Expected));
        Assert.Equal((503, 504), Assert.Single(question.Retriable));
        Assert.Equal(new HealthHeader("a", "100%", true), Assert.Single(question.Headers));
        Assert.Equal(["c"], question.RemovedHeaders);
        Assert.Equal("OK"u8.ToArray(), Assert.Single(question.Receive).ToArray());
        Assert.NotNull(question.Service!.Regex);
        Assert.Equal("health_checks[0].http_health_check.request_headers_to_add.[1].header.value", Assert.Single(_found).Field);
    }

    [Fact]
    public void TCP_and_gRPC()
    {
        var tcp = Assert.IsType<TcpQuestion>(Of("""{"tcpHealthCheck": {"send": {"text": "50494e47"}, "receive": [{"binary": "T0s="}], "proxyProtocolConfig": {"version": "V2"}}}""")!.Check.Question);
        Assert.Equal("PING"u8.ToArray(), tcp.Send.ToArray());
        Assert.Equal("OK"u8.ToArray(), Assert.Single(tcp.Receive).ToArray());
        Assert.Equal(2, tcp.ProxyProtocol);

        HealthChecking grpc = Of("""{"grpcHealthCheck": {"serviceName": "s", "authority": "a.test", "initialMetadata": [{"header": {"key": "k", "value": "v"}}]}}""")!;
        Assert.Equal("a.test", grpc.Host);
        var question = Assert.IsType<GrpcQuestion>(grpc.Check.Question);
        Assert.Equal("s", question.Service);
        Assert.Equal("k", Assert.Single(question.Metadata).Name);
    }

    [Theory]
    [InlineData("""{"timeout": "1s"}""")]
    [InlineData("""{"httpHealthCheck": {"path": "/", "codecClientType": "HTTP3"}}""")]
    public void What_cannot_be_checked_is_told_and_not_checked(string check)
    {
        Assert.Null(Of(check));
        Assert.Equal(Severity.NotYet, Assert.Single(_found).Severity);
    }

    private HealthChecking? Of(string check) => HealthChecks.Of(
        new Cluster { Name = "c", HealthChecks = { JsonParser.Default.Parse<Envoy.Config.Core.V3.HealthCheck>(check) } }, new DiagnosticScope("cluster c", _found));
}
