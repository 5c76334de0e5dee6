using Amesh.Apisix;
using Amesh.Translation.Secrets;
using Amesh.Xds.Secrets;
using Envoy.Config.Core.V3;
using EnvoyRemoteJwks = Envoy.Extensions.Filters.Http.JwtAuthn.V3.RemoteJwks;

namespace Amesh.Translation.Filters.Jwt;

/// <summary>
/// Where the keys of a chain's providers come from. A set with a key that must stay secret is an object of its own, which is
/// shown nowhere; one with nothing but public keys stands in the chain itself.
/// </summary>
/// <param name="owner">Whose they are, for example <c>listener L chain C</c>.</param>
/// <param name="data">Reads what is written in files.</param>
/// <param name="asked">Gets the clusters that serve sets.</param>
internal sealed class JwtKeys(string owner, IDataReader data, AskedClusters asked)
{
    // Envoy's own for a fetch that has none.
    private const double NoTimeout = 60;

    private readonly List<Secret> _secrets = [];

    /// <summary>The sets that have secret keys.</summary>
    public IReadOnlyList<Secret> Secrets => _secrets;

    /// <summary>The provider with a set that is written in the configuration, a file, or a variable of the environment.</summary>
    public JwtProvider Local(JwtProvider provider, string filter, DataSource source, DiagnosticScope diagnostics)
    {
        if (data.Read(source, diagnostics) is not { } text)
        {
            return provider;
        }

        if (KeySets.IsPublic(text, out bool isObject))
        {
            return provider with { Jwks = text };
        }

        if (!isObject)
        {
            diagnostics.Refused("", "no JSON Web Key Set; tokens of this provider are refused");
            return provider;
        }

        string id = ObjectId.From($"{owner} {filter} {provider.Name} keys");
        _secrets.Add(new Secret { Id = id, Name = $"{owner} {filter} {provider.Name} keys", Jwks = text });
        return provider with { JwksSecret = id };
    }

    /// <summary>A set that is fetched; null where it cannot be.</summary>
    public RemoteJwks? Remote(EnvoyRemoteJwks remote, DiagnosticScope diagnostics)
    {
        if (ServiceUri.Split(remote.HttpUri) is not var (host, path))
        {
            diagnostics.Refused("http_uri", "no address of a cluster; tokens of this provider are refused");
            return null;
        }

        HttpUri uri = remote.HttpUri;
        RetryPolicy? retry = remote.RetryPolicy;
        return new RemoteJwks(asked.UpstreamId(uri.Cluster), uri.Cluster, host, path, Durations.Limit(uri.Timeout) ?? NoTimeout)
        {
            Cache = remote.CacheDuration is null ? null : Math.Floor(Durations.Seconds(remote.CacheDuration)),
            Async = remote.AsyncFetch is null ? null : true,
            FailedRefetch = remote.AsyncFetch?.FailedRefetchDuration is { } again ? Durations.Seconds(again) : null,
            Retries = retry is null ? null : retry.NumRetries ?? 1,
            BaseInterval = retry?.RetryBackOff?.BaseInterval is { } interval ? Durations.Seconds(interval) : null,
            MaxInterval = retry?.RetryBackOff?.MaxInterval is { } most ? Durations.Seconds(most) : null,
        };
    }
}
