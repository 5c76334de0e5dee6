using System.Runtime.InteropServices;

namespace Amesh.Harness.Network;

/// <summary>Sees to it that the inner process does not outlive the outer one, which is the one that cleans up.</summary>
internal static partial class Guardian
{
    private const int ParentDeathSignal = 1;
    private const int Terminate = 15;

    /// <summary>Asks the kernel to end this process when its parent ends; does nothing in the outer process.</summary>
    public static void EndWithParent()
    {
        if (NetworkNamespace.Inside is not null)
        {
            _ = ProcessControl(ParentDeathSignal, Terminate, 0, 0, 0);
        }
    }

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int ProcessControl(int option, nuint argument2, nuint argument3, nuint argument4, nuint argument5);
}
