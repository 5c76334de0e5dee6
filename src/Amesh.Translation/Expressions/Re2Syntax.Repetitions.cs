namespace Amesh.Translation.Expressions;

/// <content>Repetitions: <c>*</c>, <c>+</c>, <c>?</c> and counts.</content>
internal sealed partial class Re2Syntax
{
    private bool RepeatedFreely() => _at < _re2.Length && _re2[_at] is '*' or '+';

    // {n}, {n,} or {n,m}; anything else that begins so is a literal bracket.
    private bool Counts(out int low, out int high, out int length)
    {
        int at = _at + 1;
        high = -1;
        length = 0;
        if (!Number(ref at, out low) || at == _re2.Length)
        {
            return false;
        }

        if (_re2[at] == ',')
        {
            at++;
            if (at < _re2.Length && _re2[at] != '}' && !Number(ref at, out high))
            {
                return false;
            }
        }
        else
        {
            high = low;
        }

        length = at + 1 - _at;
        return at < _re2.Length && _re2[at] == '}';
    }

    private bool Number(ref int at, out int number)
    {
        int start = at;
        number = 0;
        for (; at < _re2.Length && char.IsAsciiDigit(_re2[at]) && number < 100_000_000; at++)
        {
            number = (number * 10) + _re2[at] - '0';
        }

        return at > start && !(_re2[start] == '0' && at > start + 1);
    }

    private bool Repeat(int low, int high, int length, Flags flags, ref Item item)
    {
        string operation = _re2.Substring(_at, length);
        if (item.Kind == ItemKind.None || item.Repeated || low > MaxRepeat || high > MaxRepeat || (high >= 0 && low > high))
        {
            return false;
        }

        _at += length;
        bool lazy = _at < _re2.Length && _re2[_at] == '?';
        _at += lazy ? 1 : 0;

        // RE2 counts what stands in nested repetitions together.
        int weight = operation[0] == '{' ? Math.Max(high < 0 ? low : high, 1) * item.Weight : item.Weight;
        if (weight > MaxRepeat)
        {
            return false;
        }

        string quantifier = lazy != flags.Ungreedy ? operation + "?" : operation;
        if (item.Kind is ItemKind.Assertion or ItemKind.Bytes)
        {
            _pcre.Insert(item.End, ')').Insert(item.Start, "(?:");
            item.End += 4;
        }

        _pcre.Insert(item.End, quantifier);
        item = new Item(item.Start, item.End + quantifier.Length, weight, ItemKind.Whole) { Repeated = true };
        return true;
    }
}
