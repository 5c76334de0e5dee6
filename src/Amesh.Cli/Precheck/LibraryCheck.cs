using System.Runtime.InteropServices;
using System.Text;

namespace Amesh.Cli.Precheck;

/// <summary>libxds.so is where the Lua side looks, can be loaded, and fits the Lua files.</summary>
internal static unsafe class LibraryCheck
{
    private const string Subject = "libxds.so";

    public static IEnumerable<Finding> Run(ApisixInstallation apisix)
    {
        IReadOnlyList<string> places = apisix.LibraryPlaces();
        if (places.FirstOrDefault(File.Exists) is not { } path)
        {
            string tried = places.Count > 0 ? "not in " + string.Join(", ", places) : "apisix.extra_lua_cpath is not set";
            return [Finding.Wrong(Subject, tried, "apisix:\n  extra_lua_cpath: /usr/local/amesh/?.so     # the folder that libxds.so is in")];
        }

        if (ElfFile.WhyNot(path) is { } reason)
        {
            return [Finding.Wrong(Subject, $"{path}: {reason}", "copy artifacts/libxds.so there, built for this machine")];
        }

        nint library;
        try
        {
            library = NativeLibrary.Load(path);
        }
        catch (DllNotFoundException e)
        {
            string why = e.Message.Split('\n').Select(static line => line.Trim()).FirstOrDefault(line => line.StartsWith(path + ": ", StringComparison.Ordinal))?[(path.Length + 2)..] ?? "";
            return [Finding.Wrong(Subject, $"{path} cannot be loaded here{(why.Length > 0 ? ": " + why : "")}", $"`ldd {path}` says what it misses; it needs glibc")];
        }

        if (!NativeLibrary.TryGetExport(library, "amesh_start", out nint start) || !NativeLibrary.TryGetExport(library, "amesh_version", out nint version))
        {
            return [Finding.Wrong(Subject, $"{path} is not Amesh's: it has no amesh_start", "copy artifacts/libxds.so there")];
        }

        string? name = Marshal.PtrToStringUTF8(((delegate* unmanaged[Cdecl]<nint>)version)());
        return [Fits(apisix, start) is { } misfit
            ? Finding.Wrong(Subject, $"{path}: {misfit}", "install lua/ and libxds.so of one version")
            : Finding.Ok(Subject, $"{path}, version {name}")];
    }

    // Without dictionaries the library does not start, but it looks at the interface first.
    private static string? Fits(ApisixInstallation apisix, nint start)
    {
        if (apisix.WantedInterface is not { } wanted)
        {
            return null;
        }

        byte* error = stackalloc byte[1024];
        error[0] = 0;
        fixed (byte* options = "{}"u8)
        {
            ((delegate* unmanaged[Cdecl]<int, nint, nint, byte*, nuint, byte*, nuint, int>)start)(wanted, 0, 0, options, 2, error, 1024);
        }

        string text = Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(error));
        return text.Contains("has the interface", StringComparison.Ordinal) ? text : null;
    }
}
