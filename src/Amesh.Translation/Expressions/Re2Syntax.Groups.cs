namespace Amesh.Translation.Expressions;

/// <content>Groups, by number or by name, and changes of flags.</content>
internal sealed partial class Re2Syntax
{
    private bool Group(ref Flags flags, ref Item item)
    {
        if (++_depth > MaxDepth)
        {
            return false;
        }

        int start = _pcre.Length;
        _at++;
        Flags inside = flags;
        if (_at < _re2.Length && _re2[_at] == '?')
        {
            if (Named(out bool named) is false)
            {
                return false;
            }

            if (named)
            {
                // Numbered is enough: nothing asks for a group by its name.
                _pcre.Append('(');
            }
            else
            {
                if (!ChangeOf(ref inside))
                {
                    return false;
                }

                string change = inside.IgnoreCase == flags.IgnoreCase ? "" : inside.IgnoreCase ? "i" : "-i";
                if (_re2[_at++] == ')')
                {
                    // For the rest of the group that it stands in; what a repetition behind it means is what stands before it.
                    flags = inside;
                    _depth--;
                    item.Reopen();
                    _pcre.Append(change.Length > 0 ? $"(?{change})" : "");
                    return true;
                }

                _pcre.Append("(?").Append(change).Append(':');
            }
        }
        else
        {
            _pcre.Append('(');
        }

        int weight = 1;
        if (!Alternatives(inside, ref weight) || _at == _re2.Length)
        {
            return false;
        }

        _at++;
        _depth--;
        _pcre.Append(')');
        item = new Item(start, _pcre.Length, weight, ItemKind.Whole);
        return true;
    }

    // (?P<name> or (?<name>; false where it begins so and is wrong.
    private bool Named(out bool named)
    {
        ReadOnlySpan<char> rest = _re2.AsSpan(_at);
        int length = rest.StartsWith("?P<") ? 3 : rest.StartsWith("?<") ? 2 : 0;
        named = length > 0;
        if (!named)
        {
            return true;
        }

        int end = rest.IndexOf('>');
        string name = end < 0 ? "" : rest[length..end].ToString();
        _at += end + 1;
        return name.Length > 0 && name.All(c => c == '_' || char.IsLetterOrDigit(c)) && _names.Add(name);
    }

    // ?flags or ?flags-flags; stops at the : or the ) behind it.
    private bool ChangeOf(ref Flags flags)
    {
        bool on = true, any = false;
        for (_at++; _at < _re2.Length; _at++)
        {
            switch (_re2[_at])
            {
                case 'i':
                    flags.IgnoreCase = on;
                    break;
                case 'm':
                    flags.MultiLine = on;
                    break;
                case 's':
                    flags.DotAll = on;
                    break;
                case 'U':
                    flags.Ungreedy = on;
                    break;
                case '-' when on:
                    on = false;
                    any = false;
                    continue;
                case ':' or ')':
                    return on || any;
                default:
                    return false;
            }

            any = true;
        }

        return false;
    }
}
