using System.Text;

namespace Amesh.Translation.Expressions;

/// <summary>
/// Reads an expression in RE2's grammar, as RE2 itself reads it with the options that Envoy gives it, and writes one for
/// PCRE that matches the same texts. What RE2 refuses is refused.
/// </summary>
/// <remarks>
/// Own code because there is no parser of RE2's grammar for .NET. Source: RE2's <c>doc/syntax.txt</c>; the tests compare
/// with RE2 itself. PCRE is used on bytes, since it matches nothing at all in a text that is not UTF-8 otherwise; only
/// an expression that speaks of characters above ASCII asks it for UTF.
/// </remarks>
internal sealed partial class Re2Syntax
{
    private const int MaxRepeat = 1000;
    private const int MaxDepth = 1000;

    // One character that is more than a byte: its first byte, then those that continue it.
    private const string Continuation = "[\\x80-\\xbf]*+";

    private readonly string _re2;
    private readonly bool _utf;
    private readonly StringBuilder _pcre = new();
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private int _at;
    private int _depth;
    private bool _needsUtf;

    private Re2Syntax(string re2, bool utf)
    {
        _re2 = re2;
        _utf = utf;
    }

    /// <summary>PCRE's spelling, not anchored, and whether PCRE must be told that the text is UTF-8; null where RE2 refuses the expression.</summary>
    public static (string Pattern, bool Utf)? ToPcre(string re2)
    {
        var bytes = new Re2Syntax(re2, utf: false);
        if (!bytes.Read())
        {
            return null;
        }

        if (!bytes._needsUtf)
        {
            return (bytes._pcre.ToString(), false);
        }

        var characters = new Re2Syntax(re2, utf: true);
        return characters.Read() ? (characters._pcre.ToString(), true) : null;
    }

    private bool Read()
    {
        int weight = 0;
        return Alternatives(default, ref weight) && _at == _re2.Length;
    }

    // Everything up to the closing bracket or the end. weight: how often the innermost thing is repeated, at most.
    private bool Alternatives(Flags flags, ref int weight)
    {
        Item item = default;
        while (_at < _re2.Length && _re2[_at] != ')')
        {
            bool read = _re2[_at] switch
            {
                '|' => Alternative(ref item),
                '(' => Group(ref flags, ref item),
                '[' => Class(ref item),
                '.' => Dot(flags, ref item),
                '^' => Assertion(flags.MultiLine ? "(?<![^\\n])" : "^", 1, ref item),
                '$' => Assertion(flags.MultiLine ? "(?![^\\n])" : "\\z", 1, ref item),
                '*' => Repeat(0, -1, 1, flags, ref item),
                '+' => Repeat(1, -1, 1, flags, ref item),
                '?' => Repeat(0, 1, 1, flags, ref item),
                '{' when Counts(out int low, out int high, out int length) => Repeat(low, high, length, flags, ref item),
                '\\' => Escape(flags, ref item),
                _ => Literal(NextRune(), flags, ref item),
            };
            if (!read)
            {
                return false;
            }

            weight = Math.Max(weight, item.Weight);
        }

        return true;
    }

    private bool Alternative(ref Item item)
    {
        _at++;
        _pcre.Append('|');
        item = default;
        return true;
    }

    private bool Dot(Flags flags, ref Item item)
    {
        _at++;
        return Append(flags.DotAll ? "(?s:.)" : "[^\\n]", ItemKind.Character, ref item);
    }

    private bool Assertion(string pcre, int length, ref Item item)
    {
        _at += length;
        return Append(pcre, ItemKind.Assertion, ref item);
    }

    private bool Class(ref Item item)
    {
        var members = new CharacterClass(_utf);
        if (!members.Read(_re2, ref _at))
        {
            return false;
        }

        _needsUtf |= members.NeedsUtf;
        return Append(members.ToString(), members.MatchesAboveAscii ? ItemKind.Character : ItemKind.Whole, ref item);
    }

    private bool Escape(Flags flags, ref Item item)
    {
        if (_at + 1 == _re2.Length)
        {
            return false;
        }

        switch (_re2[_at + 1])
        {
            case 'A' or 'z' or 'b' or 'B':
                return Assertion(_re2.Substring(_at, 2), 2, ref item);
            case 'C':
                // A single byte, which PCRE cannot take out of the middle of a character.
                _at += 2;
                return !_utf && Append("(?s:.)", ItemKind.Whole, ref item);
            case 'Q':
                return Quoted(flags, ref item);
            case 'd' or 'D' or 's' or 'S' or 'w' or 'W' or 'p' or 'P':
                var members = new CharacterClass(_utf);
                if (!members.ReadEscape(_re2, ref _at))
                {
                    return false;
                }

                _needsUtf |= members.NeedsUtf;
                return Append(members.ToString(), members.MatchesAboveAscii ? ItemKind.Character : ItemKind.Whole, ref item);
            default:
                return EscapedCharacter.Read(_re2, ref _at, out int rune) && Literal(rune, flags, ref item);
        }
    }

    private bool Quoted(Flags flags, ref Item item)
    {
        _at += 2;
        int end = _re2.IndexOf("\\E", _at, StringComparison.Ordinal);
        int stop = end < 0 ? _re2.Length : end;
        while (_at < stop)
        {
            Literal(NextRune(), flags, ref item);
        }

        _at = end < 0 ? stop : end + 2;
        item.Reopen();
        return true;
    }

    private int NextRune()
    {
        Rune.DecodeFromUtf16(_re2.AsSpan(_at), out Rune rune, out int length);
        _at += length;
        return rune.Value;
    }

    private bool Literal(int rune, Flags flags, ref Item item)
    {
        _needsUtf |= rune >= 0x80 && flags.IgnoreCase;
        return Append(rune < 0x80 ? CharacterClass.Text(rune) : char.ConvertFromUtf32(rune), rune < 0x80 || _utf ? ItemKind.Whole : ItemKind.Bytes, ref item);
    }

    private bool Append(string pcre, ItemKind kind, ref Item item)
    {
        int start = _pcre.Length;
        // Where it is repeated without bound, whole characters or bytes come to the same.
        _pcre.Append(kind == ItemKind.Character && !_utf && !RepeatedFreely() ? $"(?:{pcre}{Continuation})" : pcre);
        item = new Item(start, _pcre.Length, 1, kind);
        return true;
    }

    private enum ItemKind
    {
        None,

        /// <summary>What PCRE repeats as it stands.</summary>
        Whole,

        /// <summary>A character that is several bytes.</summary>
        Bytes,

        /// <summary>What may match a character above ASCII.</summary>
        Character,

        /// <summary>What matches between characters, which PCRE does not repeat as it stands.</summary>
        Assertion,
    }

    private record struct Flags(bool IgnoreCase, bool MultiLine, bool DotAll, bool Ungreedy);

    private record struct Item(int Start, int End, int Weight, ItemKind Kind)
    {
        public bool Repeated { get; set; }

        /// <summary>What RE2 lets be repeated once more, and PCRE only in brackets of its own.</summary>
        public void Reopen()
        {
            Kind = Repeated ? ItemKind.Bytes : Kind;
            Repeated = false;
        }
    }
}
