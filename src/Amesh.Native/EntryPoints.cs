using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Amesh.Native.Zone;

[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]

namespace Amesh.Native;

/// <summary>
/// What the C shim (shim.c) calls. Nothing is thrown across: an error is a return code and a text.
/// </summary>
internal static unsafe partial class EntryPoints
{
    private const int Abi = 1;
    private const int Ok = 0;
    private const int Failed = -1;

    private static readonly Lock Gate = new();

    private static Instance? _instance;

    static EntryPoints() => Instance.Version = Marshal.PtrToStringUTF8(Version()) ?? Instance.Version;

    [UnmanagedCallersOnly(EntryPoint = "amesh_managed_start")]
    public static int Start(int abi, nint configZone, nint versionZone, byte* options, nuint optionsLength, byte* error, nuint errorSize)
    {
        try
        {
            lock (Gate)
            {
                if (abi != Abi)
                {
                    throw new StartException($"libxds {Instance.Version} has the interface {Abi}, the caller wants {abi}: install Lua files and library of one version");
                }

                if (_instance is not null)
                {
                    throw new StartException("libxds is running in this process already");
                }

                if (configZone == 0 || versionZone == 0)
                {
                    throw new StartException(
                        "a shared dictionary is missing: declare xds-config and xds-config-version (nginx_config.http.custom_lua_shared_dict in config.yaml)");
                }

                if (NginxZone.Resolve() is { } missing)
                {
                    throw new StartException($"this nginx has no function shdict_{missing} of lua-nginx-module 0.10.11 or newer: libxds works in OpenResty, APISIX's runtime, and nginx with ngx_lua");
                }

                StartOptions parsed = StartOptions.Parse(new ReadOnlySpan<byte>(options, (int)optionsLength));
                _instance = new Instance(parsed, new NginxZone(configZone), new NginxZone(versionZone));
                return Ok;
            }
        }
        catch (Exception e)
        {
            Copy(e is StartException ? e.Message : e.ToString(), error, errorSize);
            return Failed;
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "amesh_managed_status")]
    public static int Status(byte* buffer, nuint size)
    {
        try
        {
            InstanceStatus status = _instance?.Status() ?? new InstanceStatus { LibraryVersion = Instance.Version, State = "stopped" };
            return Copy(JsonSerializer.Serialize(status, NativeJsonContext.Default.InstanceStatus), buffer, size);
        }
        catch (Exception)
        {
            return Failed;
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "amesh_managed_stop")]
    public static int Stop(int timeoutMilliseconds)
    {
        try
        {
            lock (Gate)
            {
                if (_instance is null)
                {
                    return Ok;
                }

                if (!_instance.Stop(TimeSpan.FromMilliseconds(Math.Max(0, timeoutMilliseconds))))
                {
                    return Failed;
                }

                _instance.Dispose();
                _instance = null;
                return Ok;
            }
        }
        catch (Exception)
        {
            return Failed;
        }
    }

    // The version is the shim's: another one is another link, not another compilation.
    [LibraryImport("amesh_shim", EntryPoint = "amesh_version")]
    private static partial nint Version();

    // As much as fits, with a NUL; the length that would be needed, without it.
    private static int Copy(string text, byte* buffer, nuint size)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        if (buffer != null && size > 0)
        {
            int length = Math.Min(bytes.Length, (int)size - 1);
            bytes.AsSpan(0, length).CopyTo(new Span<byte>(buffer, length));
            buffer[length] = 0;
        }

        return bytes.Length;
    }
}
