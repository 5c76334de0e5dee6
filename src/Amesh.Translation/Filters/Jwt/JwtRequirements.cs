using Amesh.Apisix;
using Google.Protobuf.Collections;
using Requirement = Envoy.Extensions.Filters.Http.JwtAuthn.V3.JwtRequirement;
using RequiresType = Envoy.Extensions.Filters.Http.JwtAuthn.V3.JwtRequirement.RequiresTypeOneofCase;

namespace Amesh.Translation.Filters.Jwt;

/// <summary>What is asked of requests' tokens. What makes no sense is remembered: the filter then lets nobody through.</summary>
/// <param name="providers">The names that there are.</param>
internal sealed class JwtRequirements(IEnumerable<string> providers)
{
    private readonly HashSet<string> _providers = [.. providers];

    /// <summary>The first thing that makes no sense; null where everything does.</summary>
    public string? Fault { get; private set; }

    public JwtRequirement Translate(Requirement requirement)
    {
        switch (requirement.RequiresTypeCase)
        {
            case RequiresType.ProviderName:
                return new JwtRequirement { Provider = Known(requirement.ProviderName) };
            case RequiresType.ProviderAndAudiences:
                return new JwtRequirement
                {
                    Provider = Known(requirement.ProviderAndAudiences.ProviderName),
                    Audiences = requirement.ProviderAndAudiences.Audiences.Count == 0 ? null : [.. requirement.ProviderAndAudiences.Audiences],
                };
            case RequiresType.RequiresAny:
                return new JwtRequirement { Any = All(requirement.RequiresAny.Requirements, "requires_any") };
            case RequiresType.RequiresAll:
                return new JwtRequirement { All = All(requirement.RequiresAll.Requirements, "requires_all") };
            case RequiresType.AllowMissing:
                return new JwtRequirement { AllowMissing = true };
            case RequiresType.AllowMissingOrFailed:
                return new JwtRequirement { AllowMissingOrFailed = true };
            case RequiresType.None when requirement.CalculateSize() == 0:
                return new JwtRequirement();
            default:
                // A kind that came after ours (extract_only_without_validation is one) must not be taken for one that asks for nothing.
                Fault ??= "a requirement of a kind that is not known";
                return new JwtRequirement { Any = [] };
        }
    }

    private string Known(string provider)
    {
        if (!_providers.Contains(provider))
        {
            Fault ??= $"a requirement names provider {provider}, which there is none of";
        }

        return provider;
    }

    private List<JwtRequirement> All(RepeatedField<Requirement> members, string field)
    {
        if (members.Count == 0)
        {
            Fault ??= $"{field} without requirements";
        }

        return [.. members.Select(Translate)];
    }
}
