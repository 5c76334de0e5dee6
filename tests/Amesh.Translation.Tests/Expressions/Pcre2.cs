using System.Runtime.InteropServices;
using System.Text;

namespace Amesh.Translation.Tests.Expressions;

/// <summary>PCRE2 itself, the library that nginx matches with.</summary>
internal static partial class Pcre2
{
    /// <summary>Whether an expression is found in a text; fails where PCRE2 refuses the expression.</summary>
    public static bool IsMatch(string pattern, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(pattern);
        nint code = Compile(bytes, (nuint)bytes.Length, 0, out int error, out nuint offset, 0);
        Assert.True(code != 0, $"PCRE2 refuses {pattern}: error {error} at {offset}");
        nint data = MatchData(code, 0);
        try
        {
            byte[] subject = Encoding.UTF8.GetBytes(text);
            int result = Match(code, subject, (nuint)subject.Length, 0, 0, data, 0);
            Assert.True(result >= -1, $"PCRE2 fails to match {pattern}: {result}");
            return result >= 0;
        }
        finally
        {
            FreeMatchData(data);
            FreeCode(code);
        }
    }

    [LibraryImport("libpcre2-8.so.0", EntryPoint = "pcre2_compile_8")]
    private static partial nint Compile(byte[] pattern, nuint length, uint options, out int error, out nuint offset, nint context);

    [LibraryImport("libpcre2-8.so.0", EntryPoint = "pcre2_match_data_create_from_pattern_8")]
    private static partial nint MatchData(nint code, nint context);

    [LibraryImport("libpcre2-8.so.0", EntryPoint = "pcre2_match_8")]
    private static partial int Match(nint code, byte[] subject, nuint length, nuint start, uint options, nint data, nint context);

    [LibraryImport("libpcre2-8.so.0", EntryPoint = "pcre2_match_data_free_8")]
    private static partial void FreeMatchData(nint data);

    [LibraryImport("libpcre2-8.so.0", EntryPoint = "pcre2_code_free_8")]
    private static partial void FreeCode(nint code);
}
