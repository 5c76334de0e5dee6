using Amesh.Grpc;
using Envoy.Config.Core.V3;

namespace Amesh.Xds.Ads;

/// <summary>Which control plane an <see cref="AdsClient"/> talks to, as whom, and how patiently.</summary>
public sealed record AdsClientOptions
{
    /// <summary><c>http://host:port</c>, <c>https://host:port</c> or <c>unix:/path</c>.</summary>
    public required Uri Address { get; init; }

    /// <summary>Who we are. Sent with the first request of each stream, as the protocol wants it.</summary>
    public required Node Node { get; init; }

    /// <summary>
    /// The variant to begin with. A control plane that answers <see cref="AdsProtocol.Delta"/> with Unimplemented is asked in
    /// <see cref="AdsProtocol.Sotw"/> from then on.
    /// </summary>
    public AdsProtocol Protocol { get; init; } = AdsProtocol.Delta;

    /// <summary>What is asked for.</summary>
    public DiscoveryService Service { get; init; } = DiscoveryService.Aggregated;

    /// <summary>
    /// Metadata of the stream, such as Kuma's <c>authorization</c> or Consul's <c>x-consul-token</c>. A value, or its part after
    /// a space, that begins with <c>@/</c> names a file with the value, read anew for each stream: tokens are rotated.
    /// </summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>Certificates for <c>https</c>; null = the system's authorities.</summary>
    public GrpcTlsOptions? Tls { get; init; }

    /// <summary>Largest message that is taken, in bytes.</summary>
    public int MaxMessageSize { get; init; } = GrpcChannelOptions.DefaultMaxReceiveMessageSize;

    /// <summary>
    /// How long a silent connection may be before it is pinged. The default is what Istio's own bootstrap uses; servers built
    /// on grpc-go close connections that ping much more often.
    /// </summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long listeners wait for the first answer about clusters. Envoy's <c>initial_fetch_timeout</c>.</summary>
    public TimeSpan InitialFetchTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Shortest pause before connecting again.</summary>
    public TimeSpan FirstBackoff { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Longest pause before connecting again.</summary>
    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a stream must be silent for a batch to end.</summary>
    public TimeSpan QuietAfter { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>How long a batch may last at most, however busy the stream is.</summary>
    public TimeSpan LongestBatch { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Sees every message of every stream, for recording; null = nobody does.</summary>
    public IAdsObserver? Observer { get; init; }
}
