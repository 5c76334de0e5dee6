using Amesh.Translation.Fields;
using Amesh.Xds.Store;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Route.V3;

namespace Amesh.Translation;

/// <summary>
/// What is done otherwise than Envoy does it, by unit, so that a unit's new diagnostics replace its old ones: those of its
/// fields, by the table in Fields/, and those that its translator adds because they depend on values.
/// </summary>
internal sealed class UnitDiagnostics
{
    private readonly Dictionary<UnitKey, IReadOnlyList<Diagnostic>> _ofFields = [];
    private readonly Dictionary<UnitKey, IReadOnlyList<Diagnostic>> _ofTranslators = [];

    // Kept as they change: the status asks each second.
    private readonly int[] _counts = new int[Enum.GetValues<Severity>().Length];

    /// <summary>All of them.</summary>
    public IEnumerable<Diagnostic> All => _ofTranslators.Values.Concat(_ofFields.Values).SelectMany(d => d);

    /// <summary>How many there are of a severity.</summary>
    public int Count(Severity severity) => _counts[(int)severity];

    /// <summary>Where a unit's translator puts what it finds, to be kept with <see cref="Keep"/>.</summary>
    public static DiagnosticScope ScopeOf(UnitKey unit, List<Diagnostic> found)
    {
        (string resource, string prefix) = PlaceOf(unit);
        return new DiagnosticScope(resource, found, prefix);
    }

    /// <summary>Replaces what a unit's translator found.</summary>
    public void Keep(UnitKey unit, List<Diagnostic> found) => Replace(_ofTranslators, unit, found);

    /// <summary>Replaces what is to be told of a unit's fields; nothing when the unit is gone.</summary>
    public void Audit(UnitChange change)
    {
        List<Diagnostic> found = [];
        if (change.Message is { } message)
        {
            (string resource, string prefix) = PlaceOf(change.Key);
            found.AddRange(FieldAudit.Walk(message.Descriptor, change.Bytes, prefix).Select(finding => finding.ToDiagnostic(resource, message switch
            {
                Cluster cluster => Origins.Of(cluster.Metadata),
                VirtualHost virtualHost => Origins.OfRouteAt(virtualHost, finding.Path),
                _ => null,
            })));
        }

        Replace(_ofFields, change.Key, found);
    }

    private void Replace(Dictionary<UnitKey, IReadOnlyList<Diagnostic>> target, UnitKey unit, List<Diagnostic> found)
    {
        foreach (Diagnostic gone in target.GetValueOrDefault(unit) ?? [])
        {
            _counts[(int)gone.Severity]--;
        }

        foreach (Diagnostic one in found)
        {
            _counts[(int)one.Severity]++;
        }

        if (found.Count == 0)
        {
            target.Remove(unit);
        }
        else
        {
            target[unit] = found;
        }
    }

    private static (string Resource, string Prefix) PlaceOf(UnitKey key) => key.Kind switch
    {
        UnitKind.Cluster => ($"cluster {key.Resource}", ""),
        UnitKind.Assignment => ($"endpoints of {key.Resource}", ""),
        UnitKind.Listener => ($"listener {key.Resource}", ""),
        UnitKind.FilterChain => ($"listener {key.Resource}", $"filter_chains[{key.Name}]"),
        UnitKind.Secret or UnitKind.AgentSecret => ($"secret {key.Resource}", ""),
        UnitKind.FileSecret => ($"secret {SecretOrigin.ParseFileName(key.Resource)?.Name ?? key.Resource}", ""),
        UnitKind.RouteConfiguration => ($"route configuration {key.Resource}", ""),
        _ => ($"route configuration {key.Resource}", $"virtual_hosts[{key.Name}]"),
    };
}
