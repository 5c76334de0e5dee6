using Amesh.Apisix;
using Amesh.Translation.Filters;
using Amesh.Translation.Filters.Jwt;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using CodecType = Envoy.Extensions.Filters.Network.HttpConnectionManager.V3.HttpConnectionManager.Types.CodecType;
using Details = Envoy.Extensions.Filters.Network.HttpConnectionManager.V3.HttpConnectionManager.Types.SetCurrentClientCertDetails;
using Forward = Envoy.Extensions.Filters.Network.HttpConnectionManager.V3.HttpConnectionManager.Types.ForwardClientCertDetails;
using PathAction = Envoy.Extensions.Filters.Network.HttpConnectionManager.V3.HttpConnectionManager.Types.PathWithEscapedSlashesAction;

namespace Amesh.Translation.Listeners;

/// <summary>An HTTP connection manager as the HTTP side of a listener's chain.</summary>
internal static class HttpChains
{
    /// <summary>Null where requests cannot be routed: the chain then closes its connections.</summary>
    /// <param name="listener">The listener's name.</param>
    /// <param name="chain">The chain's.</param>
    /// <param name="manager">The connection manager.</param>
    /// <param name="keys">Reads the keys of tokens, and has those that are secret afterwards.</param>
    /// <param name="asked">Gets the clusters that filters ask.</param>
    /// <param name="diagnostics">Where to tell what is not done.</param>
    public static HttpChain? Translate(string listener, string chain, HttpConnectionManager manager, JwtKeys keys, AskedClusters asked, DiagnosticScope diagnostics)
    {
        string routeConfig;
        switch (manager.RouteSpecifierCase)
        {
            case HttpConnectionManager.RouteSpecifierOneofCase.Rds:
                routeConfig = manager.Rds.RouteConfigName;
                break;
            case HttpConnectionManager.RouteSpecifierOneofCase.RouteConfig:
                routeConfig = InlineName(listener, chain);
                break;
            default:
                diagnostics.NotYet("scoped_routes", "a chain with scoped routes closes its connections");
                return null;
        }

        if (manager.CodecType == CodecType.Http3)
        {
            diagnostics.Refused("codec_type", "HTTP/3 is not taken; the chain closes its connections");
            return null;
        }

        // A range that is none is told, and left out.
        bool isValid = true;
        return new HttpChain
        {
            RouteConfig = routeConfig,
            Filters = ChainFilters.OfHttp(manager.HttpFilters, keys, asked, diagnostics),
            NormalizePath = manager.NormalizePath == true ? true : null,
            MergeSlashes = manager.MergeSlashes ? true : null,
            EscapedSlashes = manager.PathWithEscapedSlashesAction switch
            {
                PathAction.RejectRequest => "reject",
                PathAction.UnescapeAndRedirect => "unescape_redirect",
                PathAction.UnescapeAndForward => "unescape_forward",
                _ => null,
            },
            Codec = manager.CodecType switch
            {
                CodecType.Http1 => "http1",
                CodecType.Http2 => "http2",
                _ => null,
            },
            ForwardClientCert = manager.ForwardClientCertDetails switch
            {
                Forward.ForwardOnly => "forward_only",
                Forward.AppendForward => "append_forward",
                Forward.SanitizeSet => "sanitize_set",
                Forward.AlwaysForwardOnly => "always_forward_only",
                _ => null,
            },
            ClientCertDetails = Told(manager.SetCurrentClientCertDetails),
            UseRemoteAddress = manager.UseRemoteAddress == true ? true : null,
            XffNumTrustedHops = manager.XffNumTrustedHops > 0 ? manager.XffNumTrustedHops : null,
            SkipXffAppend = manager.SkipXffAppend ? true : null,
            InternalAddresses = manager.InternalAddressConfig is { } inside
                ? Prefixes.All(inside.CidrRanges, "internal_address_config.cidr_ranges", diagnostics, ref isValid)
                : null,
            RequestId = manager.GenerateRequestId == false ? "none" : manager.PreserveExternalRequestId ? "preserve" : null,
            RequestIdInResponse = manager.AlwaysSetRequestIdInResponse ? true : null,
            Upgrades = UpgradesOf(manager),
            IdleTimeout = Durations.Limit(manager.CommonHttpProtocolOptions?.IdleTimeout),
            RequestTimeout = Durations.Limit(manager.RequestTimeout),
        };
    }

    // Nearly every control plane allows WebSocket and nothing else.
    private static SortedDictionary<string, bool>? UpgradesOf(HttpConnectionManager manager)
    {
        var upgrades = new SortedDictionary<string, bool>(StringComparer.Ordinal);
        foreach (HttpConnectionManager.Types.UpgradeConfig config in manager.UpgradeConfigs)
        {
            upgrades[config.UpgradeType.ToLowerInvariant()] = config.Enabled ?? true;
        }

        return upgrades.Count == 1 && upgrades.GetValueOrDefault("websocket") ? null : upgrades;
    }

    /// <summary>
    /// What a route configuration goes by that is written in a chain: those of two listeners may have one name and different contents.
    /// </summary>
    public static string InlineName(string listener, string chain) => $"{listener}/{chain}";

    // In the order in which Envoy writes them.
    private static List<string>? Told(Details? details)
    {
        if (details is null)
        {
            return null;
        }

        var told = new List<string>();
        Add(details.Cert, "cert");
        Add(details.Chain, "chain");
        Add(details.Subject == true, "subject");
        Add(details.Uri, "uri");
        Add(details.Dns, "dns");
        return told.Count == 0 ? null : told;

        void Add(bool isTold, string name)
        {
            if (isTold)
            {
                told.Add(name);
            }
        }
    }
}
