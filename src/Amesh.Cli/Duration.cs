using System.CommandLine.Parsing;
using System.Globalization;

namespace Amesh.Cli;

/// <summary>Durations on the command line: <c>500ms</c>, <c>5s</c>, <c>2m</c>; a plain number is seconds.</summary>
internal static class Duration
{
    public static TimeSpan? Parse(ArgumentResult result)
    {
        string text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
        (string digits, double unit) = text switch
        {
            [.. var number, 'm', 's'] => (number, 0.001),
            [.. var number, 's'] => (number, 1),
            [.. var number, 'm'] => (number, 60),
            _ => (text, 1),
        };
        if (double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value) && value > 0)
        {
            return TimeSpan.FromSeconds(value * unit);
        }

        result.AddError($"'{text}' is no duration; write 500ms, 5s or 2m");
        return null;
    }
}
