using System.Text;

namespace Amesh.Translation;

/// <summary>Envoy's RE2 expressions for PCRE, which APISIX matches with.</summary>
/// <remarks>
/// RE2's syntax is nearly a subset of PCRE's. What differs: Envoy matches the whole text, <c>\z</c> stands where <c>$</c>
/// would take a line feed before the end, too, and the few spellings that <see cref="Convert"/> changes.
/// </remarks>
internal static class Regexes
{
    /// <summary>An expression that must match the whole text, as Envoy's safe_regex does; null where it is no RE2 expression.</summary>
    public static string? Whole(string re2) => Convert(re2) is { } pattern ? $"^(?:{pattern})\\z" : null;

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

    /// <summary>
    /// The expression in PCRE's spelling, not anchored; null where RE2 would refuse it: look-around, back-references,
    /// possessive or dangling repetition, unbalanced brackets. A parser of RE2's own is not to be had for .NET.
    /// </summary>
    public static string? Convert(string re2)
    {
        var pattern = new StringBuilder(re2.Length);
        int depth = 0;
        bool repeatable = false;
        for (int i = 0; i < re2.Length; i++)
        {
            char c = re2[i];
            switch (c)
            {
                case '\\':
                    if (++i == re2.Length || !Escaped(re2, ref i, pattern))
                    {
                        return null;
                    }

                    repeatable = true;
                    continue;
                case '[':
                    int end = ClassEnd(re2, i);
                    if (end < 0)
                    {
                        return null;
                    }

                    pattern.Append(re2, i, end - i + 1);
                    i = end;
                    repeatable = true;
                    continue;
                case '(':
                    if (!GroupIsKnown(re2.AsSpan(i)))
                    {
                        return null;
                    }

                    depth++;
                    if (re2.AsSpan(i).StartsWith("(?"))
                    {
                        pattern.Append("(?");
                        i++;
                        repeatable = false;
                        continue;
                    }

                    repeatable = false;
                    break;
                case ')':
                    if (--depth < 0)
                    {
                        return null;
                    }

                    repeatable = true;
                    break;
                case '|' or '^':
                    repeatable = false;
                    break;
                case '*' or '+' or '?':
                    bool lazy = c == '?' && i > 0 && !repeatable && re2[i - 1] is '*' or '+' or '?' or '}';
                    if (!repeatable && !lazy)
                    {
                        return null;
                    }

                    repeatable = false;
                    break;
                case '$':
                    // RE2's $ is the end of the text alone.
                    pattern.Append("\\z");
                    repeatable = false;
                    continue;
                default:
                    repeatable = true;
                    break;
            }

            pattern.Append(c);
        }

        return depth == 0 ? pattern.ToString() : null;
    }

    private static bool Escaped(string re2, ref int i, StringBuilder pattern)
    {
        char c = re2[i];
        if (c == 'Q')
        {
            int end = re2.IndexOf("\\E", i, StringComparison.Ordinal);
            string text = end < 0 ? re2[(i + 1)..] : re2[(i + 1)..end];
            pattern.Append(Escape(text));
            i = end < 0 ? re2.Length - 1 : end + 1;
            return true;
        }

        if (c is >= '1' and <= '9' or 'k' or 'g' or 'G' or 'Z' or 'K' or 'R' or 'X' or 'h' or 'H' or 'E')
        {
            return false;
        }

        pattern.Append('\\').Append(c);
        return true;
    }

    private static int ClassEnd(string re2, int start)
    {
        int i = start + 1;
        if (i < re2.Length && re2[i] == '^')
        {
            i++;
        }

        // A ] that comes first stands for itself.
        for (int first = i; i < re2.Length; i++)
        {
            if (re2[i] == '\\')
            {
                i++;
            }
            else if (re2[i] == '[' && re2.AsSpan(i).StartsWith("[:"))
            {
                int name = re2.IndexOf(":]", i, StringComparison.Ordinal);
                i = name < 0 ? i : name + 1;
            }
            else if (re2[i] == ']' && i > first)
            {
                return i;
            }
        }

        return -1;
    }

    // (?:…), (?P<name>…), (?<name>…) and flags; look-around and everything else that RE2 has not is refused.
    private static bool GroupIsKnown(ReadOnlySpan<char> group)
    {
        if (!group.StartsWith("(?"))
        {
            return true;
        }

        if (group.Length < 3)
        {
            return false;
        }

        ReadOnlySpan<char> kind = group[2..];
        return kind[0] switch
        {
            ':' or 'i' or 'm' or 's' or '-' => true,
            'P' => kind.StartsWith("P<"),
            '<' => kind.Length > 1 && kind[1] is not ('=' or '!'),
            _ => false,
        };
    }
}
