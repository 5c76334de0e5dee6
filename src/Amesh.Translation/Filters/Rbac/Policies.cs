using Amesh.Apisix;
using Envoy.Config.Rbac.V3;
using Action = Envoy.Config.Rbac.V3.RBAC.Types.Action;

namespace Amesh.Translation.Filters.Rbac;

/// <summary>Envoy's rules: policies of one action.</summary>
internal static class Policies
{
    /// <summary>Null for an action that is none.</summary>
    public static string? NameOf(Action action) => action switch
    {
        Action.Allow => "allow",
        Action.Deny => "deny",
        Action.Log => "log",
        _ => null,
    };

    /// <summary>In Envoy's order: by the bytes of their names.</summary>
    public static IReadOnlyList<AccessPolicy> Of(RBAC rules, DiagnosticScope diagnostics) =>
        [.. rules.Policies.OrderBy(policy => policy.Key, StringComparer.Ordinal)
            .Select(policy => Of(policy.Key, policy.Value, diagnostics.At($"policies[{policy.Key}]")))];

    private static AccessPolicy Of(string name, Policy policy, DiagnosticScope diagnostics)
    {
        if (policy.Permissions.Count == 0 || policy.Principals.Count == 0 || UnknownFields.In(policy, Policy.Parser))
        {
            // Where the rest holds, nobody knows whether this would.
            diagnostics.Refused("", "it has a condition (CEL), or something else that cannot be told here; where that would decide, nobody gets through");
            AccessMatch unknown = new() { Unknown = "something that is not known" };
            return new AccessPolicy(
                name,
                policy.Permissions.Count == 0 ? [unknown] : [.. policy.Permissions.Select((permission, i) => And(AccessMatches.Of(permission, diagnostics.At($"permissions[{i}]")), unknown))],
                policy.Principals.Count == 0 ? [unknown] : [.. policy.Principals.Select((principal, i) => AccessMatches.Of(principal, diagnostics.At($"principals[{i}]")))]);
        }

        return new AccessPolicy(
            name,
            [.. policy.Permissions.Select((permission, i) => AccessMatches.Of(permission, diagnostics.At($"permissions[{i}]")))],
            [.. policy.Principals.Select((principal, i) => AccessMatches.Of(principal, diagnostics.At($"principals[{i}]")))]);
    }

    private static AccessMatch And(AccessMatch one, AccessMatch other) => new() { And = [one, other] };
}
