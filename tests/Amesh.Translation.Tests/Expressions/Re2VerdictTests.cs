using System.Text.Json;
using Amesh.Protos.Tests;
using Amesh.Translation.Expressions;

namespace Amesh.Translation.Tests.Expressions;

/// <summary>
/// What RE2 itself says of some thousands of expressions (native-tests/re2), against what PCRE2 says of those that are made
/// of them.
/// </summary>
public class Re2VerdictTests
{
    [Fact]
    public void What_RE2_refuses_is_refused_and_the_rest_matches_the_same_texts()
    {
        var wrong = new List<string>();
        int refused = 0, matched = 0;
        foreach (string line in File.ReadLines(Path.Combine(Repository.Root, "tests", "Amesh.Translation.Tests", "Expressions", "re2-verdicts.jsonl")))
        {
            JsonElement[] verdict = JsonSerializer.Deserialize<JsonElement[]>(line)!;
            string re2 = verdict[0].GetString()!;
            string? pattern = Regexes.Whole(re2);
            if ((verdict[1].ValueKind == JsonValueKind.Null) != (pattern is null))
            {
                wrong.Add($"{re2}: RE2 {(pattern is null ? "takes" : "refuses")} it");
                continue;
            }

            if (pattern is null)
            {
                refused++;
                continue;
            }

            foreach (string text in verdict[1].EnumerateArray().Select(t => t.GetString()!))
            {
                matched++;
                if (!Pcre2.IsMatch(pattern, text))
                {
                    wrong.Add($"{re2} as {pattern}: RE2 matches {JsonSerializer.Serialize(text)}");
                }
            }

            foreach (string text in verdict[2].EnumerateArray().Select(t => t.GetString()!))
            {
                if (Pcre2.IsMatch(pattern, text))
                {
                    wrong.Add($"{re2} as {pattern}: RE2 does not match {JsonSerializer.Serialize(text)}");
                }
            }
        }

        Assert.True(wrong.Count == 0, $"{wrong.Count} differ:\n{string.Join('\n', wrong.Take(20))}");
        Assert.True(refused > 300 && matched > 2000, $"{refused} refused and {matched} matches are fewer than there were");
    }
}
