namespace Amesh.Native;

/// <summary>
/// Gives memory back to the system when a push is over. The heap of a program that works once a minute stays at the size of
/// its last push otherwise, and a guest has no right to that.
/// </summary>
/// <remarks>Not for several threads. Whole-heap collections: only after much was allocated, and only once it has stopped.</remarks>
internal sealed class IdleMemory
{
    private const long Much = 8 << 20;
    // less than any push, more than all that is done each second: a status, looks at files and names
    private const long Little = 1 << 20;

    private long _atCollection;
    private long _atTick;

    /// <summary>To be called about once a second.</summary>
    public void Tick()
    {
        long allocated = GC.GetTotalAllocatedBytes();
        bool idle = allocated - _atTick < Little;
        _atTick = allocated;
        if (idle && allocated - _atCollection > Much)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            _atCollection = allocated;
        }
    }
}
