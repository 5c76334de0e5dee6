using Amesh.Harness.Client;
using Amesh.Harness.Endpoints;
using Amesh.Harness.Processes;

namespace Amesh.Harness.Verdicts;

/// <summary>Sends the cases of a step and tells what came of each.</summary>
internal sealed class CaseSender(VerdictClient client, RequestLog log)
{
    /// <summary>Cases that take longer than this run beside the others; all others run alone, in the file's order.</summary>
    private const double SlowSeconds = 0.3;

    /// <summary>Sends every case as often as it says. Results come in the file's order.</summary>
    /// <param name="cases">The cases.</param>
    /// <param name="oneByOne">True where one case may change what becomes of the next.</param>
    public async Task<List<(VerdictCase Case, Comparison.Measured Measured)>> SendAsync(IReadOnlyList<VerdictCase> cases, bool oneByOne = false)
    {
        var replies = new Dictionary<string, Task<List<Reply>>>(StringComparer.Ordinal);
        foreach (var slow in cases.Where(verdict => !oneByOne && IsSlow(verdict)))
        {
            replies[slow.Id] = SendCaseAsync(slow);
        }
        foreach (var quick in cases.Where(verdict => oneByOne || !IsSlow(verdict)))
        {
            var sending = replies[quick.Id] = SendCaseAsync(quick);
            await sending;
        }
        await Task.WhenAll(replies.Values);
        var results = new List<(VerdictCase, Comparison.Measured)>();
        foreach (var verdict in cases)
        {
            results.Add((verdict, await MeasureAsync(verdict, await replies[verdict.Id])));
        }
        return results;
    }

    private static bool IsSlow(VerdictCase verdict) => verdict.Got.Seconds >= SlowSeconds;

    private async Task<List<Reply>> SendCaseAsync(VerdictCase verdict)
    {
        log.Forget(verdict.Id);
        var replies = new List<Reply>();
        for (var time = 0; time < verdict.Times; time++)
        {
            replies.Add(await client.SendAsync(verdict.Id, verdict.Send));
        }
        return replies;
    }

    private async Task<Comparison.Measured> MeasureAsync(VerdictCase verdict, List<Reply> replies)
    {
        // Mirrored copies travel on after the answer is there.
        var expected = verdict.Got.ServedBy.Values.Sum() + verdict.Got.AlsoReached.Values.Sum();
        await Waiting.HappensAsync(() => Task.FromResult(log.Reached(verdict.Id).Values.Sum() >= expected), TimeSpan.FromMilliseconds(500));
        var servedBy = Count(replies.Select(static reply => reply.ServedBy).OfType<string>());
        var alsoReached = log.Reached(verdict.Id)
            .Select(reached => (reached.Key, Count: reached.Value - servedBy.GetValueOrDefault(reached.Key)))
            .Where(static reached => reached.Count > 0).ToDictionary(static reached => reached.Key, static reached => reached.Count);
        var last = replies[^1];
        var outcome = new Outcome
        {
            Status = Count(replies.Select(static reply => reply.Status)),
            ServedBy = servedBy,
            AlsoReached = alsoReached,
            Seen = last.Report,
            ResponseHeaders = last.Headers,
            Body = last.Report is null ? last.Body : null,
            Seconds = last.Seconds,
            Error = replies.FirstOrDefault(static reply => reply.Error is not null)?.Error,
        };
        return new Comparison.Measured(outcome, replies);
    }

    private static Dictionary<string, int> Count(IEnumerable<string> values) => values.CountBy(static value => value).ToDictionary();
}
