using Amesh.Apisix;
using Amesh.Translation.Clusters;
using Envoy.Config.Core.V3;
using Envoy.Config.Route.V3;
using EnvoyVirtualHost = Envoy.Config.Route.V3.VirtualHost;
using EnvoyWeight = Envoy.Config.Route.V3.WeightedCluster.Types.ClusterWeight;
using WeightedCluster = Amesh.Apisix.WeightedCluster;

namespace Amesh.Translation.Routes;

/// <summary>Where a route sends requests, and what happens to them on the way.</summary>
internal sealed class RouteActions(RouteScope scope, EnvoyVirtualHost virtualHost, ISet<string> clusters)
{
    /// <summary>The upstream, where it is a single one, and the plugin's configuration; no plugin where the route must be left out.</summary>
    public (string? UpstreamId, AmeshPlugin? Plugin) Translate(RouteAction action, RouteMatch match, DiagnosticScope diagnostics)
    {
        AmeshPlugin plugin = new()
        {
            Priority = action.Priority == RoutingPriority.High ? "high" : null,
            Retry = Retries.Translate(action.RetryPolicy ?? virtualHost.RetryPolicy, diagnostics.At("retry_policy")),
            Upgrades = UpgradesOf(action),
            AppendForwardedHost = action.AppendXForwardedHost ? true : null,
            Rewrite = Rewrites.Path(action, match, diagnostics),
            HostRewrite = Rewrites.Host(action, diagnostics),
            Mirrors = Mirrors.Translate(
                action.RequestMirrorPolicies.Count > 0 ? action.RequestMirrorPolicies
                    : virtualHost.RequestMirrorPolicies.Count > 0 ? virtualHost.RequestMirrorPolicies
                    : scope.Configuration.RequestMirrorPolicies,
                clusters,
                diagnostics),
            Hash = HashPolicies.Translate(action, diagnostics),
        };
        plugin = StreamLimits.AddTo(plugin, action);

        switch (action.ClusterSpecifierCase)
        {
            case RouteAction.ClusterSpecifierOneofCase.Cluster:
                (string? upstream, bool? originalDst) = Target(action.Cluster, LbMarks.Of(action.MetadataMatch), diagnostics);
                return (upstream, plugin with { OriginalDst = originalDst, OriginalDstFrom = scope.Clusters.OriginalDstOf(action.Cluster), NotFoundStatus = NotFoundStatus(action, action.Cluster) });
            case RouteAction.ClusterSpecifierOneofCase.WeightedClusters:
                return (null, plugin with { Clusters = Weighted(action, diagnostics.At("weighted_clusters")) });
            case RouteAction.ClusterSpecifierOneofCase.ClusterHeader:
                return (null, plugin with { ClusterHeader = NamedBy(action.ClusterHeader, action, diagnostics), NotFoundStatus = NotFoundStatus(action) });
            default:
                diagnostics.NotYet("cluster_specifier", $"{action.ClusterSpecifierCase} is not translated; the answer is 503");
                return (null, new AmeshPlugin { DirectResponse = new DirectResponse(503, null) });
        }
    }

    private static SortedDictionary<string, bool>? UpgradesOf(RouteAction action)
    {
        var upgrades = new SortedDictionary<string, bool>(StringComparer.Ordinal);
        foreach (RouteAction.Types.UpgradeConfig config in action.UpgradeConfigs)
        {
            upgrades[config.UpgradeType.ToLowerInvariant()] = config.Enabled ?? true;
        }

        return upgrades.Count == 0 ? null : upgrades;
    }

    private List<WeightedCluster> Weighted(RouteAction action, DiagnosticScope diagnostics)
    {
        Envoy.Config.Route.V3.WeightedCluster weighted = action.WeightedClusters;
        var targets = new List<WeightedCluster>();
        for (int i = 0; i < weighted.Clusters.Count; i++)
        {
            EnvoyWeight cluster = weighted.Clusters[i];
            DiagnosticScope at = diagnostics.At($"clusters[{i}]");
            string? header = cluster.Name.Length == 0 ? NamedBy(cluster.ClusterHeader, action, at) : null;
            (string? upstream, bool? originalDst) = header is null ? Target(cluster.Name, LbMarks.Of(action.MetadataMatch, cluster.MetadataMatch), at) : (null, null);
            targets.Add(new WeightedCluster
            {
                UpstreamId = upstream,
                ClusterHeader = header,
                OriginalDst = originalDst,
                OriginalDstFrom = header is null ? scope.Clusters.OriginalDstOf(cluster.Name) : null,
                Weight = cluster.Weight ?? 0,
                NotFoundStatus = header is null ? NotFoundStatus(action, cluster.Name) : NotFoundStatus(action),
                HostRewrite = cluster.HostRewriteLiteral.Length == 0 ? null : cluster.HostRewriteLiteral,
                RequestHeaders = new HeaderMutations()
                    .Level(cluster.RequestHeadersToAdd, cluster.RequestHeadersToRemove, "request_headers_to_add", at).OrNull,
                ResponseHeaders = new HeaderMutations()
                    .Level(cluster.ResponseHeadersToAdd, cluster.ResponseHeadersToRemove, "response_headers_to_add", at).OrNull,
            });
        }

        return targets;
    }

    // Said only where it is not 503, and as long as there is no such cluster.
    private uint? NotFoundStatus(RouteAction action, string cluster) =>
        scope.Clusters.KindOf(cluster) != ClusterKind.Missing ? null : NotFoundStatus(action);

    private static uint? NotFoundStatus(RouteAction action) => action.ClusterNotFoundResponseCode switch
    {
        RouteAction.Types.ClusterNotFoundResponseCode.NotFound => 404,
        RouteAction.Types.ClusterNotFoundResponseCode.InternalServerError => 500,
        _ => null,
    };

    // Whatever cluster there is may be asked for.
    private string NamedBy(string header, RouteAction action, DiagnosticScope diagnostics)
    {
        if (action.MetadataMatch is not null)
        {
            diagnostics.NotYet("metadata_match", "a cluster that a header names is asked for no metadata");
        }

        clusters.Add(ClusterTable.Any);
        return header.ToLowerInvariant();
    }

    private (string? UpstreamId, bool? OriginalDst) Target(string cluster, string marks, DiagnosticScope diagnostics)
    {
        if (marks.Length > 0 && scope.Clusters.KindOf(cluster) == ClusterKind.Aggregate)
        {
            diagnostics.NotYet("metadata_match", "the clusters of an aggregate are asked for no metadata");
        }

        string target = scope.Clusters.TargetOf(cluster, marks);
        clusters.Add(cluster);
        clusters.Add(target);
        return scope.Clusters.KindOf(cluster) == ClusterKind.OriginalDst ? (null, true) : (Names.UpstreamId(target), null);
    }
}
