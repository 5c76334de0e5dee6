using System.Text.RegularExpressions;
using Amesh.Translation.Routes;

namespace Amesh.Translation.Tests.Routes;

public partial class HeaderFormatsTests
{
    [Fact]
    public void The_operators_that_are_not_told_are_those_that_the_plugin_fills_in()
    {
        string lua = File.ReadAllText(Path.Combine(
            Path.GetDirectoryName(Fields.TranslationDocument.Path)!, "..", "lua", "apisix", "amesh", "header_format.lua"));
        string table = lua[lua.IndexOf("local OPERATORS = {", StringComparison.Ordinal)..];
        table = table[..table.IndexOf("\n}\n", StringComparison.Ordinal)];
        Assert.Equal(HeaderFormats.Known.Order(StringComparer.Ordinal), Entry().Matches(table).Select(m => m.Groups[1].Value).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("100%%", null)]
    [InlineData("%REQ(x?y):5%-%START_TIME(%Y)%", null)]
    [InlineData("a %DYNAMIC_METADATA(a:b)% c", "%DYNAMIC_METADATA(a:b)%")]
    public void The_first_that_is_not_known_is_told(string value, string? unknown) => Assert.Equal(unknown, HeaderFormats.Unknown(value));

    [GeneratedRegex(@"^    ([A-Z_0-9]+) = ", RegexOptions.Multiline)]
    private static partial Regex Entry();
}
