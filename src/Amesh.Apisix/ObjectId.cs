using System.Text;

namespace Amesh.Apisix;

/// <summary>
/// Ids that come from what an object is about, so that the same mesh gives the same ids whatever the order of arrival,
/// and a neighbour's change does not touch them.
/// </summary>
public static class ObjectId
{
    /// <summary>APISIX takes ids of up to 64 characters.</summary>
    public const int MaxLength = 64;

    private const int HashLength = 13;

    /// <summary>
    /// An id of a readable part, made from <paramref name="name"/>, and a hash of <paramref name="name"/> that keeps ids
    /// of different names apart where their readable parts are the same.
    /// </summary>
    /// <param name="name">What the object is about, any text, for example Envoy's cluster name.</param>
    /// <returns>At most 64 characters of <c>[a-zA-Z0-9-_]</c>.</returns>
    public static string From(string name)
    {
        var id = new StringBuilder(MaxLength);
        foreach (char c in name)
        {
            if (id.Length == MaxLength - HashLength - 1)
            {
                break;
            }

            if (char.IsAsciiLetterOrDigit(c) || c == '_')
            {
                id.Append(c);
            }
            else if (id.Length > 0 && id[^1] != '-')
            {
                id.Append('-');
            }
        }

        if (id.Length > 0 && id[^1] != '-')
        {
            id.Append('-');
        }

        AppendHash(id, Fnv1A(name));
        return id.ToString();
    }

    /// <summary>The hash alone, 13 characters, where a list of ids has to be short.</summary>
    /// <param name="name">What the object is about.</param>
    public static string HashOf(string name)
    {
        var id = new StringBuilder(HashLength);
        AppendHash(id, Fnv1A(name));
        return id.ToString();
    }

    // FNV-1a, 64 bits: no dependency, the same on every machine and in every version, and no adversary chooses the names.
    private static ulong Fnv1A(string text)
    {
        ulong hash = 14695981039346656037;
        foreach (char c in text)
        {
            hash = (hash ^ (byte)c) * 1099511628211;
            hash = (hash ^ (byte)(c >> 8)) * 1099511628211;
        }

        return hash;
    }

    private static void AppendHash(StringBuilder id, ulong hash)
    {
        const string Digits = "0123456789abcdefghijklmnopqrstuv";
        for (int i = 0; i < HashLength; i++)
        {
            id.Append(Digits[(int)(hash & 31)]);
            hash >>= 5;
        }
    }
}
