using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace Amesh.Health;

/// <summary>A name in a certificate.</summary>
/// <param name="Type"><c>uri</c>, <c>dns</c>, <c>email</c> or <c>ip</c>.</param>
/// <param name="Value">The name.</param>
internal readonly record struct PeerName(string Type, string Value);

/// <summary>The alternative names of a certificate. The runtime's own reader leaves URIs out, which are a mesh's identities.</summary>
internal static class PeerNames
{
    private const string Extension = "2.5.29.17";

    public static IReadOnlyList<PeerName> Of(X509Certificate2 certificate)
    {
        if (certificate.Extensions[Extension] is not { } extension)
        {
            return [];
        }

        var names = new List<PeerName>();
        AsnReader reader = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
        while (reader.HasData)
        {
            Asn1Tag tag = reader.PeekTag();
            string? type = tag.TagValue switch { 1 => "email", 2 => "dns", 6 => "uri", _ => null };
            if (type is not null)
            {
                names.Add(new PeerName(type, reader.ReadCharacterString(UniversalTagNumber.IA5String, tag)));
            }
            else if (tag.TagValue == 7)
            {
                names.Add(new PeerName("ip", new IPAddress(reader.ReadOctetString(tag)).ToString()));
            }
            else
            {
                reader.ReadEncodedValue();
            }
        }

        return names;
    }
}
