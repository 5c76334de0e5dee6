using System.Text;

namespace Amesh.Translation.Expressions;

/// <summary>Envoy's RE2 expressions for PCRE, which APISIX matches with.</summary>
/// <remarks>
/// Envoy matches the whole text, and <c>\z</c> stands where PCRE's <c>$</c> would take a line feed before the end, too.
/// <see cref="Re2Syntax"/> has the rest.
/// </remarks>
internal static class Regexes
{
    /// <summary>An expression that must match the whole text, as Envoy's safe_regex does; null where it is no RE2 expression.</summary>
    public static string? Whole(string re2) => Re2Syntax.ToPcre(re2) is var (pattern, utf) ? $"{Utf(utf)}^(?:{pattern})\\z" : null;

    /// <summary>The text itself at the start.</summary>
    public static string Prefix(string text) => "^" + Escape(text);

    /// <summary>The text itself at the end.</summary>
    public static string Suffix(string text) => Escape(text) + "\\z";

    /// <summary>The text itself, whole; for comparing without regard to case.</summary>
    public static string Exact(string text) => "^" + Escape(text) + "\\z";

    /// <summary>A pattern that matches the text itself.</summary>
    public static string Escape(string text)
    {
        var pattern = new StringBuilder(text.Length + 8);
        foreach (char c in text)
        {
            if (c < 128 && !char.IsAsciiLetterOrDigit(c) && c is not ('/' or '_' or '-' or ' ' or ',' or ':' or '=' or '&' or '%' or '@'))
            {
                pattern.Append('\\');
            }

            pattern.Append(c);
        }

        return pattern.ToString();
    }

    /// <summary>The expression in PCRE's spelling, not anchored; null where RE2 would refuse it.</summary>
    public static string? Convert(string re2) => Re2Syntax.ToPcre(re2) is var (pattern, utf) ? Utf(utf) + pattern : null;

    // PCRE takes it at the very beginning alone.
    private static string Utf(bool utf) => utf ? "(*UTF)" : "";
}
