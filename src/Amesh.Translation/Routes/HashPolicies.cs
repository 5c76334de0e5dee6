using Amesh.Apisix;
using Envoy.Config.Route.V3;
using EnvoyHashPolicy = Envoy.Config.Route.V3.RouteAction.Types.HashPolicy;

namespace Amesh.Translation.Routes;

/// <summary>Envoy's hash_policy.</summary>
internal static class HashPolicies
{
    public static IReadOnlyList<HashPolicy>? Translate(RouteAction action, DiagnosticScope diagnostics)
    {
        var policies = new List<HashPolicy>();
        for (int i = 0; i < action.HashPolicy.Count; i++)
        {
            if (One(action.HashPolicy[i]) is { } policy)
            {
                policies.Add(policy with { Terminal = action.HashPolicy[i].Terminal ? true : null });
            }
            else
            {
                diagnostics.NotYet($"hash_policy[{i}]", $"{action.HashPolicy[i].PolicySpecifierCase} is not part of the hash");
            }
        }

        return policies.Count == 0 ? null : policies;
    }

    private static HashPolicy? One(EnvoyHashPolicy policy) => policy.PolicySpecifierCase switch
    {
        EnvoyHashPolicy.PolicySpecifierOneofCase.Header => new HashPolicy { Header = policy.Header.HeaderName.ToLowerInvariant() },
        EnvoyHashPolicy.PolicySpecifierOneofCase.Cookie => new HashPolicy
        {
            Cookie = new HashCookie(
                policy.Cookie.Name,
                policy.Cookie.Ttl is { } ttl ? Durations.Seconds(ttl) : null,
                policy.Cookie.Path.Length == 0 ? null : policy.Cookie.Path),
        },
        EnvoyHashPolicy.PolicySpecifierOneofCase.QueryParameter => new HashPolicy { Query = policy.QueryParameter.Name },
        EnvoyHashPolicy.PolicySpecifierOneofCase.ConnectionProperties when policy.ConnectionProperties.SourceIp => new HashPolicy { SourceIp = true },
        _ => null,
    };
}
