using Amesh.Apisix;
using Amesh.Translation.Routes;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Filters.Http.JwtAuthn.V3;
using Google.Protobuf.WellKnownTypes;
using JwtRequirement = Amesh.Apisix.JwtRequirement;

namespace Amesh.Translation.Filters.Jwt;

/// <summary>Envoy's JWT filter.</summary>
/// <param name="keys">Reads the providers' key sets; null where there are none to read, for routes.</param>
internal sealed class JwtKind(JwtKeys? keys) : IFilterKind
{
    /// <summary>What routes say.</summary>
    public static JwtKind OfRoutes { get; } = new(null);

    public string Message => JwtAuthentication.Descriptor.FullName;

    public string? RouteMessage => PerRouteConfig.Descriptor.FullName;

    public ChainFilter? Translate(string name, Any config, DiagnosticScope diagnostics)
    {
        JwtAuthentication filter = config.Unpack<JwtAuthentication>();
        if (filter.FilterStateRules is not null)
        {
            return ChainFilters.Refused(name, "there is no filter state for filter_state_rules to look at", diagnostics);
        }

        var requirements = new JwtRequirements(filter.Providers.Keys);
        var named = new SortedDictionary<string, JwtRequirement>(StringComparer.Ordinal);
        foreach ((string key, var requirement) in filter.RequirementMap)
        {
            named[key] = requirements.Translate(requirement);
        }

        var rules = new List<JwtRule>();
        for (int i = 0; i < filter.Rules.Count && requirements.Fault is null; i++)
        {
            if (Rule(filter.Rules[i], requirements, named, diagnostics.At($"rules[{i}]")) is not { } rule)
            {
                return ChainFilters.Refused(name, $"rule {i} cannot be carried out", diagnostics);
            }

            rules.Add(rule);
        }

        if (requirements.Fault is { } fault)
        {
            return ChainFilters.Refused(name, fault, diagnostics);
        }

        return new JwtFilter
        {
            Name = name,
            // In an order of their own: a map has none.
            Providers =
            [
                .. filter.Providers.OrderBy(provider => provider.Key, StringComparer.Ordinal)
                    .Select(provider => JwtProviders.Translate(name, provider.Key, provider.Value, keys!, diagnostics.At($"providers[{provider.Key}]"))),
            ],
            Rules = rules.Count == 0 ? null : rules,
            Requirements = named.Count == 0 ? null : named,
            BypassCorsPreflight = filter.BypassCorsPreflight ? true : null,
            StripFailureResponse = filter.StripFailureResponse ? true : null,
        };
    }

    public FilterOverride TranslateRoute(string name, Any config, DiagnosticScope diagnostics)
    {
        PerRouteConfig route = config.Unpack<PerRouteConfig>();
        return route.Disabled ? FilterOverride.Off : FilterOverride.Of(new JwtFilter { Name = name, Requirement = route.RequirementName });
    }

    // Null where its conditions cannot be expressed, with a diagnostic.
    private static JwtRule? Rule(
        RequirementRule rule, JwtRequirements requirements, SortedDictionary<string, JwtRequirement> named, DiagnosticScope diagnostics)
    {
        // The filter looks at nothing else of a match.
        RouteMatch match = rule.Match?.Clone() ?? new RouteMatch();
        match.RuntimeFraction = null;
        match.Grpc = null;
        if (RouteMatching.Translate(match, diagnostics.At("match")) is not { } conditions)
        {
            return null;
        }

        if (rule.RequirementTypeCase == RequirementRule.RequirementTypeOneofCase.RequirementName && !named.ContainsKey(rule.RequirementName))
        {
            diagnostics.Refused("requirement_name", $"there is no requirement {rule.RequirementName}");
            return null;
        }

        return new JwtRule
        {
            When = conditions.Count == 0 ? null : conditions,
            Requires = rule.RequirementTypeCase == RequirementRule.RequirementTypeOneofCase.Requires ? requirements.Translate(rule.Requires) : null,
            Requirement = rule.RequirementTypeCase == RequirementRule.RequirementTypeOneofCase.RequirementName ? rule.RequirementName : null,
        };
    }
}
