namespace Amesh.Translation.Expressions;

/// <summary>A backslash and what it makes of the characters behind it, as RE2 reads it inside and outside of brackets.</summary>
internal static class EscapedCharacter
{
    /// <summary>Reads one at the backslash; false where RE2 knows no such escape, and <paramref name="at"/> is anywhere then.</summary>
    public static bool Read(string re2, ref int at, out int rune)
    {
        rune = 0;
        if (++at >= re2.Length)
        {
            return false;
        }

        char c = re2[at++];
        switch (c)
        {
            // One digit other than 0 would be a back-reference.
            case >= '1' and <= '7' when at == re2.Length || !IsOctal(re2[at]):
                return false;
            case >= '0' and <= '7':
                rune = c - '0';
                for (int i = 0; i < 2 && at < re2.Length && IsOctal(re2[at]); i++)
                {
                    rune = (rune * 8) + re2[at++] - '0';
                }

                return true;
            case 'x':
                return Hexadecimal(re2, ref at, out rune);
            case 'a':
                rune = 7;
                return true;
            case 'f':
                rune = 12;
                return true;
            case 'n':
                rune = 10;
                return true;
            case 'r':
                rune = 13;
                return true;
            case 't':
                rune = 9;
                return true;
            case 'v':
                rune = 11;
                return true;
            default:
                rune = c;
                return c < 0x80 && !char.IsAsciiLetterOrDigit(c);
        }
    }

    // \xHH or \x{H…}
    private static bool Hexadecimal(string re2, ref int at, out int rune)
    {
        rune = 0;
        bool braces = at < re2.Length && re2[at] == '{';
        at += braces ? 1 : 0;
        int start = at;
        while (at < re2.Length && char.IsAsciiHexDigit(re2[at]) && (braces || at < start + 2))
        {
            rune = (rune * 16) + Convert.ToInt32(re2[at++].ToString(), 16);
            if (rune > 0x10FFFF)
            {
                return false;
            }
        }

        if (!braces)
        {
            return at == start + 2;
        }

        return at > start && at < re2.Length && re2[at++] == '}';
    }

    private static bool IsOctal(char c) => c is >= '0' and <= '7';
}
