using System.Runtime.InteropServices;
using System.Text;

namespace Amesh.Native.Zone;

/// <summary>A zone of the nginx that this library is loaded in.</summary>
internal sealed unsafe partial class NginxZone(nint zone) : IZone
{
    // ngx_http_lua_shdict.h: fail when there is no room instead of throwing out the least recently used keys.
    private const int SafeStore = 0x4;
    private const int PlainStore = 0;
    private const int Ok = 0;

    // Lua's own type numbers.
    private const int Nil = 0;
    private const int NumberType = 3;
    private const int StringType = 4;

    public long FreeSpace => (long)Shim.FreeSpace(zone);

    public long Capacity => (long)Shim.Capacity(zone);

    /// <summary>Finds nginx's functions; null, or the name of one that this process has not.</summary>
    public static string? Resolve() => Marshal.PtrToStringUTF8(Shim.Resolve());

    // nginx keeps a number beside each value for whoever uses the dictionary ("user flags").
    public bool TryStore(string key, ReadOnlySpan<byte> value, long commit = 0)
    {
        fixed (byte* keyBytes = Encoding.UTF8.GetBytes(key))
        fixed (byte* text = value)
        {
            return Shim.Store(zone, SafeStore, keyBytes, KeyLength(key), StringType, text, (nuint)value.Length, 0, (int)commit) == Ok;
        }
    }

    public bool TryStore(string key, double value)
    {
        fixed (byte* keyBytes = Encoding.UTF8.GetBytes(key))
        {
            return Shim.Store(zone, SafeStore, keyBytes, KeyLength(key), NumberType, null, 0, value, 0) == Ok;
        }
    }

    public void Delete(string key)
    {
        fixed (byte* keyBytes = Encoding.UTF8.GetBytes(key))
        {
            _ = Shim.Store(zone, PlainStore, keyBytes, KeyLength(key), Nil, null, 0, 0, 0);
        }
    }

    public byte[]? Text(string key, out long commit)
    {
        const int BufferSize = 4096;
        byte* buffer = stackalloc byte[BufferSize];
        byte* text = buffer;
        nuint length = BufferSize;
        double number = 0;
        int flags = 0;
        commit = 0;
        fixed (byte* keyBytes = Encoding.UTF8.GetBytes(key))
        {
            if (Shim.Get(zone, keyBytes, KeyLength(key), &text, &length, &number, &flags) != StringType)
            {
                return null;
            }
        }

        commit = flags;
        byte[] value = new ReadOnlySpan<byte>(text, (int)length).ToArray();
        if (text != buffer)
        {
            Shim.Free(text);
        }

        return value;
    }

    public double? Number(string key)
    {
        byte* buffer = stackalloc byte[64];
        byte* text = buffer;
        nuint length = 64;
        double number = 0;
        int flags = 0;
        fixed (byte* keyBytes = Encoding.UTF8.GetBytes(key))
        {
            int type = Shim.Get(zone, keyBytes, KeyLength(key), &text, &length, &number, &flags);
            if (text != buffer)
            {
                Shim.Free(text);
            }

            return type == NumberType ? number : null;
        }
    }

    public double? Increment(string key)
    {
        double value = 1;
        fixed (byte* keyBytes = Encoding.UTF8.GetBytes(key))
        {
            return Shim.Increment(zone, keyBytes, KeyLength(key), &value) == Ok ? value : null;
        }
    }

    private static nuint KeyLength(string key) => (nuint)Encoding.UTF8.GetByteCount(key);

    private static partial class Shim
    {
        private const string Library = "amesh_shim";

        [LibraryImport(Library, EntryPoint = "amesh_nginx_resolve")]
        public static partial nint Resolve();

        [LibraryImport(Library, EntryPoint = "amesh_zone_store")]
        public static partial int Store(nint zone, int op, byte* key, nuint keyLength, int type, byte* text, nuint length, double number, int flags);

        [LibraryImport(Library, EntryPoint = "amesh_zone_get")]
        public static partial int Get(nint zone, byte* key, nuint keyLength, byte** text, nuint* length, double* number, int* flags);

        [LibraryImport(Library, EntryPoint = "amesh_zone_free")]
        public static partial void Free(void* memory);

        [LibraryImport(Library, EntryPoint = "amesh_zone_incr")]
        public static partial int Increment(nint zone, byte* key, nuint keyLength, double* value);

        [LibraryImport(Library, EntryPoint = "amesh_zone_free_space")]
        public static partial nuint FreeSpace(nint zone);

        [LibraryImport(Library, EntryPoint = "amesh_zone_capacity")]
        public static partial nuint Capacity(nint zone);
    }
}
