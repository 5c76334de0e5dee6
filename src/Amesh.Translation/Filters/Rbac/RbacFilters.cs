using Amesh.Apisix;
using Envoy.Config.Rbac.V3;
using Xds.Type.Matcher.V3;

namespace Amesh.Translation.Filters.Rbac;

/// <summary>What both RBAC filters are made of.</summary>
internal static class RbacFilters
{
    public static ChainFilter Of(string name, RBAC? rules, Matcher? matcher, DiagnosticScope diagnostics)
    {
        // Both: Envoy takes the matcher.
        if (matcher is not null)
        {
            return new RbacFilter { Name = name, Matcher = MatcherTrees.Of(matcher, diagnostics.At("matcher")) };
        }

        if (rules is null)
        {
            return new RbacFilter { Name = name };
        }

        return Policies.NameOf(rules.Action) is { } action
            ? new RbacFilter { Name = name, Action = action, Policies = Policies.Of(rules, diagnostics.At("rules")) }
            : ChainFilters.Refused(name, $"its action {rules.Action} is not known", diagnostics);
    }

    /// <summary>Rules that decide nothing; null where there are none, or none whose outcome can be told.</summary>
    public static RbacShadow? ShadowOf(string prefix, RBAC? rules, Matcher? matcher, DiagnosticScope diagnostics)
    {
        string? start = prefix.Length == 0 ? null : prefix;
        if (matcher is not null)
        {
            return new RbacShadow { Prefix = start, Matcher = MatcherTrees.Of(matcher, diagnostics.At("shadow_matcher")) };
        }

        return rules is not null && Policies.NameOf(rules.Action) is { } action
            ? new RbacShadow { Prefix = start, Action = action, Policies = Policies.Of(rules, diagnostics.At("shadow_rules")) }
            : null;
    }
}
