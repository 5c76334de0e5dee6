using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Amesh.Cli.Precheck;

/// <summary>As much of an ELF file's head as tells whether this machine can load it.</summary>
internal static class ElfFile
{
    private const int HeaderSize = 20;
    private const byte Class64 = 2;
    private const ushort SharedObject = 3;
    private const ushort X64 = 62;
    private const ushort Arm64 = 183;

    /// <summary>Whether it is an ELF file at all.</summary>
    public static bool Is(string path)
    {
        Span<byte> magic = stackalloc byte[4];
        using FileStream file = File.OpenRead(path);
        return file.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false) == magic.Length && magic.SequenceEqual("\u007fELF"u8);
    }

    /// <summary>Why a process of this machine cannot load the file; null when it looks as if it could.</summary>
    public static string? WhyNot(string path)
    {
        Span<byte> head = stackalloc byte[HeaderSize];
        using (FileStream file = File.OpenRead(path))
        {
            if (file.ReadAtLeast(head, HeaderSize, throwOnEndOfStream: false) < HeaderSize || !head[..4].SequenceEqual("\u007fELF"u8))
            {
                return "it is not an ELF file";
            }
        }

        ushort machine = BinaryPrimitives.ReadUInt16LittleEndian(head[18..]);
        ushort own = RuntimeInformation.OSArchitecture == Architecture.Arm64 ? Arm64 : X64;
        return head[4] != Class64 ? "it is not a 64-bit library"
            : BinaryPrimitives.ReadUInt16LittleEndian(head[16..]) != SharedObject ? "it is not a shared library"
            : machine != own ? $"it is for {NameOf(machine)}, this machine is {NameOf(own)}"
            : null;
    }

    private static string NameOf(ushort machine) => machine switch
    {
        X64 => "x86-64",
        Arm64 => "arm64",
        _ => $"another machine (ELF {machine})",
    };
}
