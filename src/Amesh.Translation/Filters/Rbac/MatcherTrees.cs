using Amesh.Apisix;
using Google.Protobuf.WellKnownTypes;
using Xds.Type.Matcher.V3;
using FieldPredicate = Xds.Type.Matcher.V3.Matcher.Types.MatcherList.Types.Predicate;
using OnMatch = Xds.Type.Matcher.V3.Matcher.Types.OnMatch;
using PredicateCase = Xds.Type.Matcher.V3.Matcher.Types.MatcherList.Types.Predicate.MatchTypeOneofCase;
using RbacAction = Envoy.Config.Rbac.V3.Action;

namespace Amesh.Translation.Filters.Rbac;

/// <summary>Trees of conditions that lead to RBAC actions.</summary>
internal static class MatcherTrees
{
    private const string Inputs = "envoy.extensions.matching.common_inputs.";

    /// <summary>What leads nowhere that is known refuses.</summary>
    public static AccessOutcome Of(Matcher matcher, DiagnosticScope diagnostics)
    {
        if (UnknownFields.In(matcher, Matcher.Parser))
        {
            return Undecided("it says something that is not known", diagnostics);
        }

        return Tree(matcher, diagnostics);
    }

    private static AccessOutcome Tree(Matcher matcher, DiagnosticScope diagnostics)
    {
        List<AccessBranch> branches;
        switch (matcher.MatcherTypeCase)
        {
            case Matcher.MatcherTypeOneofCase.MatcherList:
                branches = [.. matcher.MatcherList.Matchers.Select((field, i) =>
                {
                    DiagnosticScope at = diagnostics.At($"matcher_list.matchers[{i}]");
                    return new AccessBranch(Condition(field.Predicate, at.At("predicate")), Outcome(field.OnMatch, at.At("on_match")));
                })];
                break;
            case Matcher.MatcherTypeOneofCase.MatcherTree when Maps(matcher.MatcherTree, diagnostics.At("matcher_tree")) is { } maps:
                branches = maps;
                break;
            case Matcher.MatcherTypeOneofCase.None:
                branches = [];
                break;
            default:
                return Undecided("a tree of this kind is not known", diagnostics);
        }

        return new AccessOutcome
        {
            List = branches,
            Otherwise = matcher.OnNoMatch is null ? null : Outcome(matcher.OnNoMatch, diagnostics.At("on_no_match")),
        };
    }

    // Null where texts are not looked up as they are.
    private static List<AccessBranch>? Maps(Matcher.Types.MatcherTree tree, DiagnosticScope diagnostics)
    {
        (Matcher.Types.MatcherTree.Types.MatchMap map, Func<string, StringMatch> compare)? kind = tree.TreeTypeCase switch
        {
            Matcher.Types.MatcherTree.TreeTypeOneofCase.ExactMatchMap => (tree.ExactMatchMap, text => new StringMatch { Exact = text }),
            Matcher.Types.MatcherTree.TreeTypeOneofCase.PrefixMatchMap => (tree.PrefixMatchMap, text => new StringMatch { Prefix = text }),
            _ => null,
        };
        if (kind is not var (entries, comparison))
        {
            return null;
        }

        // The longest prefix first; of whole texts there is one that holds.
        return [.. entries.Map.OrderByDescending(entry => entry.Key.Length).ThenBy(entry => entry.Key, StringComparer.Ordinal)
            .Select(entry => new AccessBranch(
                Input(tree.Input, comparison(entry.Key), diagnostics.At("input")), Outcome(entry.Value, diagnostics.At($"map[{entry.Key}]"))))];
    }

    private static AccessOutcome Outcome(OnMatch? match, DiagnosticScope diagnostics)
    {
        switch (match?.OnMatchCase)
        {
            case OnMatch.OnMatchOneofCase.Matcher:
                return Tree(match.Matcher, diagnostics.At("matcher"));
            case OnMatch.OnMatchOneofCase.Action when match.Action.TypedConfig?.Is(RbacAction.Descriptor) == true:
                RbacAction action = match.Action.TypedConfig.Unpack<RbacAction>();
                return Policies.NameOf(action.Action_) is { } name
                    ? new AccessOutcome { Action = name, Name = action.Name }
                    : Undecided("its action is not known", diagnostics);
            default:
                return Undecided("it leads to no RBAC action", diagnostics);
        }
    }

    private static AccessMatch Condition(FieldPredicate? predicate, DiagnosticScope diagnostics) => predicate?.MatchTypeCase switch
    {
        PredicateCase.SinglePredicate when StringMatches.Of(predicate.SinglePredicate.ValueMatch) is { } text =>
            Input(predicate.SinglePredicate.Input, text, diagnostics.At("single_predicate.input")),
        PredicateCase.OrMatcher when predicate.OrMatcher.Predicate.Count > 0 =>
            new AccessMatch { Or = [.. predicate.OrMatcher.Predicate.Select(one => Condition(one, diagnostics.At("or_matcher")))] },
        PredicateCase.AndMatcher when predicate.AndMatcher.Predicate.Count > 0 =>
            new AccessMatch { And = [.. predicate.AndMatcher.Predicate.Select(one => Condition(one, diagnostics.At("and_matcher")))] },
        PredicateCase.NotMatcher => new AccessMatch { Not = Condition(predicate.NotMatcher, diagnostics.At("not_matcher")) },
        _ => AccessMatches.Unknown("predicate", diagnostics),
    };

    private static AccessMatch Input(global::Xds.Core.V3.TypedExtensionConfig? input, StringMatch text, DiagnosticScope diagnostics)
    {
        string type = input?.TypedConfig is { } config ? Any.GetTypeName(config.TypeUrl) : "";
        if (type == Envoy.Type.Matcher.V3.HttpRequestHeaderMatchInput.Descriptor.FullName)
        {
            string header = input!.TypedConfig.Unpack<Envoy.Type.Matcher.V3.HttpRequestHeaderMatchInput>().HeaderName;
            return new AccessMatch { Header = header.ToLowerInvariant(), Is = text };
        }

        string? name = type switch
        {
            Inputs + "ssl.v3.UriSanInput" => "uri_san",
            Inputs + "ssl.v3.DnsSanInput" => "dns_san",
            Inputs + "ssl.v3.SubjectInput" => "subject",
            Inputs + "network.v3.SourceIPInput" => "source_ip",
            Inputs + "network.v3.DirectSourceIPInput" => "direct_source_ip",
            Inputs + "network.v3.DestinationIPInput" => "target_ip",
            Inputs + "network.v3.DestinationPortInput" => "target_port",
            Inputs + "network.v3.ServerNameInput" => "server_name",
            _ => null,
        };
        return name is null ? AccessMatches.Unknown(type, diagnostics) : new AccessMatch { Input = name, Is = text };
    }

    private static AccessOutcome Undecided(string why, DiagnosticScope diagnostics)
    {
        diagnostics.Refused("", $"{why}; nobody gets through by it");
        return new AccessOutcome { Action = "deny", Name = why };
    }
}
