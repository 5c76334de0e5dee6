using System.Collections.Concurrent;

namespace Amesh.Harness.Endpoints;

/// <summary>
/// Every request that reached any endpoint, by the case that it carried in <c>x-case</c>. Written by all connections; safe for any thread.
/// </summary>
internal sealed class RequestLog
{
    private readonly ConcurrentDictionary<string, ConcurrentQueue<SeenRequest>> _byCase = new(StringComparer.Ordinal);
    private long _total;

    /// <summary>How many requests arrived, whatever they carried.</summary>
    public long Total => Interlocked.Read(ref _total);

    /// <summary>Notes one request as it arrives, before it is answered.</summary>
    public void Add(string? caseId, SeenRequest request)
    {
        Interlocked.Increment(ref _total);
        if (caseId is not null)
        {
            _byCase.GetOrAdd(caseId, static _ => new()).Enqueue(request);
        }
    }

    /// <summary>How often each endpoint was reached by the case.</summary>
    public Dictionary<string, int> Reached(string caseId)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        if (_byCase.TryGetValue(caseId, out var requests))
        {
            foreach (var request in requests)
            {
                counts[request.ServedBy] = counts.GetValueOrDefault(request.ServedBy) + 1;
            }
        }
        return counts;
    }

    /// <summary>Forgets what a case reached, so that it can be sent again.</summary>
    public void Forget(string caseId) => _byCase.TryRemove(caseId, out _);
}
