using Amesh.Xds.Store;

namespace Amesh.Translation;

/// <content>Ends what has waited long enough for what it names.</content>
public sealed partial class Pipeline
{
    // More than timers take; they come back.
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);

    // On a timer's thread, where what is thrown ends the process.
    private void TryExpire()
    {
        try
        {
            Expire();
        }
        catch (Exception e)
        {
            _onTrouble?.Invoke($"what has waited long enough does not go into service: {e}");
        }
    }

    private void Expire()
    {
        lock (_gate)
        {
            IReadOnlyList<WaitingResource> expired = Store.Expire();
            foreach (WaitingResource one in expired)
            {
                _onTrouble?.Invoke($"{one.Resource} goes into service without what it names, which has not come in time: {string.Join(", ", one.For.Take(5))}");
            }

            AwaitExpiry();
            WantedChanged?.Invoke();

            // Amid a batch it goes with that.
            if (!_amid)
            {
                Commit();
            }
        }
    }

    private void AwaitExpiry()
    {
        TimeSpan next = Store.NextExpiry ?? Timeout.InfiniteTimeSpan;
        _expiry.Change(next < LongestWait ? next : LongestWait, Timeout.InfiniteTimeSpan);
    }
}
