using Amesh.Harness.Network;
using Amesh.Harness.Processes;
using Amesh.Harness.Verdicts;

namespace Amesh.Harness.Commands;

/// <summary>No private key may show in what the proxy writes, answers about itself, or <c>amesh translate</c> prints.</summary>
internal static class KeySearch
{
    /// <summary>The folder below a run's own with what the control plane replays: the one place where keys may be.</summary>
    public const string RecordingFolder = "recording";

    /// <summary>Looks for the keys of a recording; where they show, and a line that says so.</summary>
    public static async Task<(IReadOnlyList<string> Leaks, string Summary)> RunAsync(string recording, string folder, IProxy proxy)
    {
        var keys = SecretSearch.KeysIn(recording);
        var pages = await proxy.ControlPagesAsync();
        if (keys.Count == 0 || pages.Count == 0)
        {
            return ([], "");
        }
        var outputs = SecretSearch.Files(folder, except: RecordingFolder).ToList();
        using var http = new HttpClient();
        foreach (var page in pages)
        {
            using var answer = await http.GetAsync(page);
            outputs.Add((page.ToString(), await answer.Content.ReadAsStringAsync()));
        }
        var (_, translated, errors) = Shell.Try("dotnet", Repository.CommandLine, "translate", "--recording", recording);
        outputs.Add(("amesh translate", translated + errors));
        var leaks = SecretSearch.Leaks(keys, outputs).ToList();
        return (leaks, $"{keys.Count} private keys looked for in {outputs.Count} outputs, {outputs.Sum(static one => one.Text.Length) / 1024} KiB: {(leaks.Count == 0 ? "none shows" : "SHOWN")}");
    }
}
