using System.Text;

namespace Amesh.Translation.Expressions;

/// <summary>A class of characters: <c>[…]</c>, <c>\d</c>, <c>\p{…}</c>, read as RE2 reads it and written for PCRE.</summary>
/// <param name="utf">Whether PCRE will be told that the text is UTF-8; else it sees bytes.</param>
internal sealed class CharacterClass(bool utf)
{
    private const int Last = 0x10FFFF;

    private static readonly Dictionary<string, (int Low, int High)[]> Named = new(StringComparer.Ordinal)
    {
        ["alnum"] = [('0', '9'), ('A', 'Z'), ('a', 'z')],
        ["alpha"] = [('A', 'Z'), ('a', 'z')],
        ["ascii"] = [(0, 0x7F)],
        ["blank"] = [('\t', '\t'), (' ', ' ')],
        ["cntrl"] = [(0, 0x1F), (0x7F, 0x7F)],
        ["digit"] = [('0', '9')],
        ["graph"] = [('!', '~')],
        ["lower"] = [('a', 'z')],
        ["print"] = [(' ', '~')],
        ["punct"] = [('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        ["space"] = [('\t', '\r'), (' ', ' ')],
        ["upper"] = [('A', 'Z')],
        ["word"] = [('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        ["xdigit"] = [('0', '9'), ('A', 'F'), ('a', 'f')],
        // Not [[:space:]]: without the vertical tab.
        ["\\s"] = [('\t', '\n'), ('\f', '\r'), (' ', ' ')],
    };

    private readonly StringBuilder _members = new();
    private bool _negated;
    private bool _aboveAscii;

    /// <summary>Whether it names characters above ASCII one by one, which takes PCRE's UTF.</summary>
    public bool NeedsUtf { get; private set; }

    /// <summary>Whether a character above ASCII may be of it.</summary>
    public bool MatchesAboveAscii => _negated != _aboveAscii || NeedsUtf;

    /// <summary>Reads <c>[…]</c>; false where RE2 refuses it.</summary>
    public bool Read(string re2, ref int at)
    {
        at++;
        if (at < re2.Length && re2[at] == '^')
        {
            _negated = true;
            at++;
        }

        for (bool first = true; at < re2.Length && (re2[at] != ']' || first); first = false)
        {
            if (!ReadName(re2, ref at, out bool named) || (!named && !ReadEscapeOrRange(re2, ref at)))
            {
                return false;
            }
        }

        return at++ < re2.Length;
    }

    /// <summary>Reads <c>\d</c>, <c>\pN</c> and their like outside of brackets; false where RE2 refuses it.</summary>
    public bool ReadEscape(string re2, ref int at)
    {
        char c = re2[at + 1];
        if (c is 'p' or 'P')
        {
            return ReadUnicode(re2, ref at);
        }

        at += 2;
        Add(Named[char.ToLowerInvariant(c) switch { 'd' => "digit", 's' => "\\s", _ => "word" }], char.IsAsciiLetterUpper(c));
        return true;
    }

    /// <summary>PCRE's spelling.</summary>
    public override string ToString() => $"[{(_negated ? "^" : "")}{_members}]";

    /// <summary>A character as itself, in brackets and outside.</summary>
    public static string Text(int rune) => rune switch
    {
        '/' or '_' or ' ' or ',' or ':' or '=' or '%' or '@' => ((char)rune).ToString(),
        > 0x20 and < 0x7F => char.IsAsciiLetterOrDigit((char)rune) ? ((char)rune).ToString() : "\\" + (char)rune,
        < 0x100 => $"\\x{rune:x2}",
        _ => $"\\x{{{rune:x}}}",
    };

    // [:alpha:]
    private bool ReadName(string re2, ref int at, out bool named)
    {
        int end = re2.AsSpan(at).StartsWith("[:") ? re2.IndexOf(":]", at + 2, StringComparison.Ordinal) : -1;
        named = end >= 0;
        if (!named)
        {
            return true;
        }

        string name = re2[(at + 2)..end];
        bool not = name.StartsWith('^');
        at = end + 2;
        if (!Named.TryGetValue(not ? name[1..] : name, out (int, int)[]? ranges))
        {
            return false;
        }

        Add(ranges, not);
        return true;
    }

    private bool ReadEscapeOrRange(string re2, ref int at)
    {
        if (re2[at] == '\\' && at + 1 < re2.Length && re2[at + 1] is 'd' or 'D' or 's' or 'S' or 'w' or 'W' or 'p' or 'P')
        {
            return ReadEscape(re2, ref at);
        }

        if (!ReadCharacter(re2, ref at, out int low))
        {
            return false;
        }

        int high = low;
        if (at + 1 < re2.Length && re2[at] == '-' && re2[at + 1] != ']')
        {
            at++;
            if (!ReadCharacter(re2, ref at, out high) || high < low)
            {
                return false;
            }
        }

        NeedsUtf |= high >= 0x80;
        Append(low, high);
        return true;
    }

    private static bool ReadCharacter(string re2, ref int at, out int rune)
    {
        if (re2[at] == '\\')
        {
            return EscapedCharacter.Read(re2, ref at, out rune);
        }

        Rune.DecodeFromUtf16(re2.AsSpan(at), out Rune decoded, out int length);
        at += length;
        rune = decoded.Value;
        return true;
    }

    // \pN, \p{Name}, \p{^Name}, \P…
    private bool ReadUnicode(string re2, ref int at)
    {
        bool not = re2[at + 1] == 'P';
        at += 2;
        if (at == re2.Length)
        {
            return false;
        }

        string name = re2[at].ToString();
        if (name == "{")
        {
            int end = re2.IndexOf('}', at);
            if (end < 0)
            {
                return false;
            }

            name = re2[(at + 1)..end];
            at = end;
        }

        at++;
        if (name.StartsWith('^'))
        {
            not = !not;
            name = name[1..];
        }

        NeedsUtf = true;
        if (name == "Any")
        {
            Add([(0, Last)], not);
            return true;
        }

        _members.Append(not ? "\\P{" : "\\p{").Append(name).Append('}');
        return UnicodeNames.Known.Contains(name);
    }

    private void Add((int Low, int High)[] ranges, bool not)
    {
        if (!not)
        {
            foreach ((int low, int high) in ranges)
            {
                Append(low, high);
            }

            return;
        }

        int next = 0;
        foreach ((int low, int high) in ranges)
        {
            if (low > next)
            {
                Append(next, low - 1);
            }

            next = high + 1;
        }

        if (next <= Last)
        {
            Append(next, Last);
        }
    }

    private void Append(int low, int high)
    {
        _aboveAscii |= high >= 0x80;
        _members.Append(Text(low));
        if (high > low)
        {
            _members.Append('-').Append(Text(utf ? high : Math.Min(high, 0xFF)));
        }
    }
}
