using Amesh.Apisix;
using Envoy.Config.Route.V3;

namespace Amesh.Translation.Routes;

/// <summary>Envoy's request_mirror_policies.</summary>
internal static class Mirrors
{
    public static IReadOnlyList<Mirror>? Translate(
        IReadOnlyList<RouteAction.Types.RequestMirrorPolicy> policies, ISet<string> clusters, DiagnosticScope diagnostics)
    {
        var mirrors = new List<Mirror>();
        for (int i = 0; i < policies.Count; i++)
        {
            RouteAction.Types.RequestMirrorPolicy policy = policies[i];
            if (policy.Cluster.Length == 0)
            {
                diagnostics.NotYet($"request_mirror_policies[{i}].cluster_header", "no copy is sent");
                continue;
            }

            clusters.Add(policy.Cluster);
            long ppm = policy.RuntimeFraction is { } fraction ? Fractions.Ppm(fraction.DefaultValue) : Fractions.All;
            mirrors.Add(new Mirror(Names.UpstreamId(policy.Cluster), ppm) { KeepHost = policy.DisableShadowHostSuffixAppend ? true : null });
        }

        return mirrors.Count == 0 ? null : mirrors;
    }
}
