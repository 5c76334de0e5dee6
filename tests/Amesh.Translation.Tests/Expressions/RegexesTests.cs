using System.Text.RegularExpressions;
using Amesh.Translation.Expressions;

namespace Amesh.Translation.Tests.Expressions;

public class RegexesTests
{
    [Theory]
    [InlineData("/api/v1/products/\\d+", "/api/v1/products/12", true)]
    [InlineData("/api/v1/products/\\d+", "/api/v1/products/12/reviews", false)]
    [InlineData("a|b", "ab", false)]
    [InlineData("[]a]+", "]a]", true)]
    [InlineData("\\Qa.b\\E+", "a.bb", true)]
    [InlineData("\\Qa.b\\E+", "axb", false)]
    [InlineData("(?i)JASON", "jason", true)]
    [InlineData("(?P<name>x)y", "xy", true)]
    [InlineData("a{2,3}?", "aa", true)]
    [InlineData(".*?jason.*?", "x jason y", true)]
    [InlineData("^/exact$", "/exact", true)]
    public void Whole_expressions_match_as_RE2_does(string re2, string text, bool matches)
    {
        string? pattern = Regexes.Whole(re2);

        Assert.NotNull(pattern);
        // .NET spells a named group without the P.
        Assert.Equal(matches, Regex.IsMatch(text, pattern.Replace("(?P<", "(?<", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("(")]
    [InlineData("a)")]
    [InlineData("[a")]
    [InlineData("*a")]
    [InlineData("a**")]
    [InlineData("(?=a)")]
    [InlineData("(?<!a)b")]
    [InlineData("(a)\\1")]
    [InlineData("a\\")]
    public void What_RE2_has_not_is_refused(string re2) => Assert.Null(Regexes.Whole(re2));

    [Theory]
    [InlineData("/a.b+c(d)[e]{f}^$|?*\\")]
    [InlineData("ünicode #x")]
    public void A_text_matches_itself_alone(string text)
    {
        Assert.Matches(Regexes.Exact(text), text);
        Assert.DoesNotMatch(Regexes.Exact(text), text + "x");
        Assert.Matches(Regexes.Prefix(text), text + "x");
        Assert.Matches(Regexes.Suffix(text), "x" + text);
    }
}
