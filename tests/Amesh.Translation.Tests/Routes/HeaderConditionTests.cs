using System.Text.Json;
using Amesh.Apisix;
using Amesh.Translation.Routes;
using Envoy.Config.Route.V3;
using Envoy.Type.Matcher.V3;
using Envoy.Type.V3;

namespace Amesh.Translation.Tests.Routes;

public class HeaderConditionTests
{
    [Fact]
    public void An_exact_value_is_compared() =>
        Is("""["amesh_header_end-user","==","jason"]""", new() { Name = "End-User", StringMatch = new() { Exact = "jason" } });

    [Fact]
    public void Without_a_comparison_the_header_must_be_there() =>
        Is("""["amesh_header_x","~~","^"]""", new() { Name = "x" });

    [Fact]
    public void An_inverted_value_wants_the_header_to_be_there() =>
        Is(
            """["AND",["amesh_header_x","~~","^"],["amesh_header_x","!","==","a"]]""",
            new() { Name = "x", StringMatch = new() { Exact = "a" }, InvertMatch = true });

    [Fact]
    public void An_inverted_value_holds_for_an_absent_header_that_counts_as_empty() =>
        Is(
            """["amesh_header_x","!","==","a"]""",
            new() { Name = "x", StringMatch = new() { Exact = "a" }, InvertMatch = true, TreatMissingHeaderAsEmpty = true });

    [Fact]
    public void Ranges_take_whole_numbers() =>
        Is(
            """["AND",["amesh_header_x","~~","^[-+]?[0-9]+\\z"],["amesh_header_x",">=",1],["amesh_header_x","<",5]]""",
            new() { Name = "x", RangeMatch = new Int64Range { Start = 1, End = 5 } });

    [Fact]
    public void An_inverted_range_wants_the_header_to_be_there_unless_an_absent_one_counts_as_empty()
    {
        var matcher = new HeaderMatcher { Name = "x", RangeMatch = new Int64Range { Start = 1, End = 5 }, InvertMatch = true };
        const string Outside = """["OR",["amesh_header_x","!","~~","^[-+]?[0-9]+\\z"],["amesh_header_x","!",">=",1],["amesh_header_x","!","<",5]]""";
        Is($"""["AND",["amesh_header_x","~~","^"],{Outside}]""", matcher);
        matcher.TreatMissingHeaderAsEmpty = true;
        Is(Outside, matcher);
    }

    [Fact]
    public void Case_is_left_out_where_it_is_asked_for() =>
        Is("""["amesh_header_x","~*","^a\\.b\\z"]""", new() { Name = "x", StringMatch = new() { Exact = "a.b", IgnoreCase = true } });

    [Fact]
    public void An_expression_that_is_none_leaves_one_diagnostic()
    {
        var found = new List<Diagnostic>();
        var matcher = new HeaderMatcher { Name = "x", StringMatch = new() { SafeRegex = new RegexMatcher { Regex = "(" } } };

        Assert.Null(RouteMatching.HeaderCondition(matcher, new DiagnosticScope("r", found)));
        Assert.Equal(Severity.Refused, Assert.Single(found).Severity);
    }

    private static void Is(string expected, HeaderMatcher matcher)
    {
        Predicate? condition = RouteMatching.HeaderCondition(matcher, new DiagnosticScope("r", []));
        var route = new Apisix.Route
        {
            Id = "r",
            Priority = 0,
            Labels = new Dictionary<string, string>(),
            Vars = [condition!],
            Plugins = new RoutePlugins(new AmeshPlugin()),
        };
        using JsonDocument document = JsonDocument.Parse(ObjectJson.Serialize(route));
        Assert.Equal(expected, document.RootElement.GetProperty("vars")[0].GetRawText());
    }
}
