using System.Text;
using System.Text.RegularExpressions;
using Amesh.Translation.Expressions;

namespace Amesh.Translation.Filters.Rbac;

/// <summary>Envoy's templates of paths, such as <c>/a/{x}/**</c>, as expressions.</summary>
internal static partial class UriTemplates
{
    private const string Characters = "a-zA-Z0-9\\-._~%!$&'()+,;:@";
    private const string Segment = "[" + Characters + "]+";
    private const string Segments = "[" + Characters + "/]*";
    private const int MostVariables = 5;
    private const int LongestName = 16;

    /// <summary>An expression (PCRE) for the whole path; null where Envoy would refuse the template.</summary>
    public static string? ToRegex(string template)
    {
        if (!template.StartsWith('/') || template.Any(c => c is <= ' ' or > '~'))
        {
            return null;
        }

        var state = new Reading();
        var pattern = new StringBuilder("^");
        string rest = template[1..];
        pattern.Append('/');
        while (rest.Length > 0)
        {
            if (state.Part(ref rest) is not { } part)
            {
                return null;
            }

            pattern.Append(part);
            if (rest.Length == 0)
            {
                break;
            }

            if (rest[0] == '/')
            {
                pattern.Append('/');
                rest = rest[1..];
            }
            else if (Literal().IsMatch(rest))
            {
                // What follows a variable or wildcard, to the end of the path.
                pattern.Append(Regexes.Escape(rest));
                break;
            }
            else
            {
                return null;
            }
        }

        return pattern.Append("\\z").ToString();
    }

    [GeneratedRegex("^[a-zA-Z0-9\\-._~%!$&'()+,;:@]+\\z")]
    private static partial Regex Literal();

    [GeneratedRegex("^[a-zA-Z][a-zA-Z0-9_]*\\z")]
    private static partial Regex VariableName();

    private sealed class Reading
    {
        private readonly HashSet<string> _names = new(StringComparer.Ordinal);
        private bool _hasRest;

        // One segment, taken from the rest; null where there is none that is valid.
        public string? Part(ref string rest)
        {
            if (rest[0] == '*')
            {
                return Wildcard(ref rest);
            }

            if (rest[0] != '{')
            {
                return Plain(ref rest);
            }

            int end = rest.IndexOf('}', StringComparison.Ordinal);
            if (end < 0)
            {
                return null;
            }

            string[] variable = rest[1..end].Split('=', 2);
            rest = rest[(end + 1)..];
            if (!VariableName().IsMatch(variable[0]) || variable[0].Length > LongestName || !_names.Add(variable[0]) || _names.Count > MostVariables)
            {
                return null;
            }

            return variable.Length == 1 ? (_hasRest ? null : Segment) : Inside(variable[1]);
        }

        private string? Inside(string pattern)
        {
            var parts = new List<string>();
            string rest = pattern;
            do
            {
                if (rest.Length == 0 || (rest[0] == '*' ? Wildcard(ref rest) : Plain(ref rest)) is not { } part)
                {
                    return null;
                }

                parts.Add(part);
                if (rest.Length > 0 && rest[0] != '/')
                {
                    return null;
                }

                if (rest.Length > 0)
                {
                    rest = rest[1..];
                    if (rest.Length == 0)
                    {
                        return null;
                    }
                }
            }
            while (rest.Length > 0);
            return string.Join('/', parts);
        }

        // Nothing may vary after "**".
        private string? Wildcard(ref string rest)
        {
            if (_hasRest)
            {
                return null;
            }

            _hasRest = rest.StartsWith("**", StringComparison.Ordinal);
            rest = rest[(_hasRest ? 2 : 1)..];
            return _hasRest ? Segments : Segment;
        }

        private static string? Plain(ref string rest)
        {
            int end = rest.IndexOf('/', StringComparison.Ordinal);
            string text = end < 0 ? rest : rest[..end];
            rest = end < 0 ? "" : rest[end..];
            return Literal().IsMatch(text) ? Regexes.Escape(text) : null;
        }
    }
}
