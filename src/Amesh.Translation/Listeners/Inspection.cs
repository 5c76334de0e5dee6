using Amesh.Apisix;
using Predicate = Envoy.Config.Listener.V3.ListenerFilterChainMatchPredicate;

namespace Amesh.Translation.Listeners;

/// <summary>A listener filter that looks at a connection's first bytes.</summary>
/// <param name="Name"><c>tls</c> or <c>http</c>.</param>
/// <param name="Disabled">For which destination ports it does not; null for none.</param>
internal sealed record Inspector(string Name, Predicate? Disabled)
{
    private const uint LastPort = 65535;

    /// <summary>Whether it looks at connections for a port.</summary>
    public bool LooksAt(uint port) => Disabled is null || !Holds(Disabled, port);

    /// <summary>The ports that it leaves alone.</summary>
    public IEnumerable<UninspectedPorts> Exceptions()
    {
        if (Disabled is null)
        {
            yield break;
        }

        // The answer can only change where a range begins or ends.
        var borders = new SortedSet<uint> { 0 };
        Borders(Disabled, borders);
        uint[] starts = [.. borders.Where(border => border <= LastPort)];
        uint? from = null;
        foreach (uint start in starts)
        {
            bool disabled = Holds(Disabled, start);
            if (disabled)
            {
                from ??= start;
            }
            else if (from is { } first)
            {
                yield return new UninspectedPorts(Name, first, start - 1);
                from = null;
            }
        }

        if (from is { } last)
        {
            yield return new UninspectedPorts(Name, last, LastPort);
        }
    }

    private static void Borders(Predicate predicate, SortedSet<uint> borders)
    {
        switch (predicate.RuleCase)
        {
            case Predicate.RuleOneofCase.OrMatch:
                Each(predicate.OrMatch, borders);
                break;
            case Predicate.RuleOneofCase.AndMatch:
                Each(predicate.AndMatch, borders);
                break;
            case Predicate.RuleOneofCase.NotMatch:
                Borders(predicate.NotMatch, borders);
                break;
            case Predicate.RuleOneofCase.DestinationPortRange:
                borders.Add((uint)Math.Max(0, predicate.DestinationPortRange.Start));
                borders.Add((uint)Math.Max(0, predicate.DestinationPortRange.End));
                break;
        }

        static void Each(Predicate.Types.MatchSet set, SortedSet<uint> borders)
        {
            foreach (Predicate rule in set.Rules)
            {
                Borders(rule, borders);
            }
        }
    }

    // The end of a range is not part of it.
    private static bool Holds(Predicate predicate, uint port) => predicate.RuleCase switch
    {
        Predicate.RuleOneofCase.OrMatch => predicate.OrMatch.Rules.Any(rule => Holds(rule, port)),
        Predicate.RuleOneofCase.AndMatch => predicate.AndMatch.Rules.All(rule => Holds(rule, port)),
        Predicate.RuleOneofCase.NotMatch => !Holds(predicate.NotMatch, port),
        Predicate.RuleOneofCase.AnyMatch => true,
        Predicate.RuleOneofCase.DestinationPortRange => port >= predicate.DestinationPortRange.Start && port < predicate.DestinationPortRange.End,
        _ => false,
    };
}
