using System.Text;
using Amesh.Xds.Json;
using Amesh.Xds.Secrets;
using Amesh.Xds.Store;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using static Google.Protobuf.WireFormat;

namespace Amesh.Xds.Recordings;

/// <summary>
/// Takes private keys and passwords out of messages: the content of every <c>DataSource</c> under a field that holds a secret,
/// key sets that are not public, and whatever looks like a PEM private key, wherever it is, also in fields that our definitions do not have. All other bytes
/// stay as they are.
/// </summary>
public static class PrivateKeys
{
    /// <summary>What stands in the place of what was taken out.</summary>
    public const string Placeholder = "REDACTED";

    private const string DataSource = "envoy.config.core.v3.DataSource";

    // In our definitions or not: fields of upstream's that hold secrets, by the name of the message and the number.
    private static readonly HashSet<(string Message, int Field)> SecretFields =
    [
        ("envoy.extensions.transport_sockets.tls.v3.TlsCertificate", 2), // private_key
        ("envoy.extensions.transport_sockets.tls.v3.TlsCertificate", 3), // password
        ("envoy.extensions.transport_sockets.tls.v3.TlsCertificate", 8), // pkcs12
        ("envoy.extensions.transport_sockets.tls.v3.TlsSessionTicketKeys", 1), // keys
        ("envoy.extensions.transport_sockets.tls.v3.GenericSecret", 1), // secret
        ("envoy.extensions.filters.http.basic_auth.v3.BasicAuth", 1), // users
    ];

    // Its content is a secret only where one of its keys is.
    private static readonly (string Message, int Field) KeySet = ("envoy.extensions.filters.http.jwt_authn.v3.JwtProvider", 4); // local_jwks

    private static readonly byte[] PemBegin = "-----BEGIN "u8.ToArray();
    private static readonly byte[] PemKey = "PRIVATE KEY-----"u8.ToArray();

    /// <summary>Takes them out of a <c>DiscoveryResponse</c> or <c>DeltaDiscoveryResponse</c>.</summary>
    /// <returns>The same memory where nothing was found.</returns>
    public static ReadOnlyMemory<byte> Remove(ReadOnlyMemory<byte> response, bool delta) =>
        Walk(response, delta ? Envoy.Service.Discovery.V3.DeltaDiscoveryResponse.Descriptor : Envoy.Service.Discovery.V3.DiscoveryResponse.Descriptor, null) ?? response;

    // The message without secrets; null if it has none. A type that is null is one that we do not have.
    private static ReadOnlyMemory<byte>? Walk(ReadOnlyMemory<byte> message, MessageDescriptor? type, string? typeName)
    {
        typeName ??= type?.FullName;
        var output = new MemoryStream();
        bool changed = false;
        MessageDescriptor? anyType = null;
        string? anyName = null;
        foreach (WireField field in WireFields.Read(message))
        {
            FieldDescriptor? known = type?.FindFieldByNumber(field.Number);
            ReadOnlyMemory<byte>? replaced = null;
            if (IsLengthDelimited(field))
            {
                if (typeName == "google.protobuf.Any" && field.Number == 1)
                {
                    string typeUrl = Encoding.UTF8.GetString(field.Content.Span);
                    anyName = typeUrl[(typeUrl.LastIndexOf('/') + 1)..];
                    anyType = KnownTypes.Find(typeUrl);
                }

                replaced = typeName == "google.protobuf.Any" && field.Number == 2
                    ? Walk(field.Content, anyType, anyName)
                    : Replace(field, known, typeName);
            }

            changed |= replaced is not null;
            if (replaced is { } content)
            {
                WriteField(output, field.Number, content.Span);
            }
            else
            {
                output.Write(field.Whole.Span);
            }
        }

        return changed ? (ReadOnlyMemory<byte>?)output.ToArray() : null;
    }

    private static ReadOnlyMemory<byte>? Replace(WireField field, FieldDescriptor? known, string? typeName)
    {
        if (IsSecret(known, typeName, field.Number))
        {
            return known is null || known.FieldType == FieldType.Message ? Blank(field.Content) : Encoding.UTF8.GetBytes(Placeholder);
        }

        if ((typeName, field.Number) == KeySet && KeySetOf(field.Content) is { } text && !KeySets.IsPublic(text, out _))
        {
            return Blank(field.Content);
        }

        if (known?.FieldType == FieldType.Message)
        {
            return Walk(field.Content, known.MessageType, null);
        }

        if (!HasKey(field.Content.Span))
        {
            return null;
        }

        // A field that we do not know may be a message around the key; then only the key goes.
        if (known is null && TryWalk(field.Content) is { } inside)
        {
            return inside;
        }

        return Encoding.UTF8.GetBytes(Placeholder);
    }

    private static bool IsSecret(FieldDescriptor? known, string? typeName, int number) =>
        (typeName is not null && SecretFields.Contains((typeName, number)))
        || (known is not null && known.Name is "private_key" or "password" && (known.FieldType == FieldType.String || known is { FieldType: FieldType.Message, MessageType.FullName: DataSource }));

    // The text in a DataSource, which is no key set where it cannot be read; null where it is elsewhere.
    private static string? KeySetOf(ReadOnlyMemory<byte> dataSource)
    {
        try
        {
            return DataSources.Inline(Envoy.Config.Core.V3.DataSource.Parser.ParseFrom(dataSource.Span));
        }
        catch (InvalidProtocolBufferException)
        {
            return "";
        }
    }

    // A DataSource: the name of a file or of a variable is no secret, and tells where the key was.
    private static ReadOnlyMemory<byte>? Blank(ReadOnlyMemory<byte> dataSource)
    {
        var output = new MemoryStream();
        bool changed = false;
        try
        {
            foreach (WireField field in WireFields.Read(dataSource))
            {
                bool inline = field.Number is 2 or 3;
                changed |= inline;
                if (inline)
                {
                    WriteField(output, 3, Encoding.UTF8.GetBytes(Placeholder));
                }
                else
                {
                    output.Write(field.Whole.Span);
                }
            }
        }
        catch (MalformedResourceException)
        {
            return Encoding.UTF8.GetBytes(Placeholder);
        }

        return changed ? (ReadOnlyMemory<byte>?)output.ToArray() : null;
    }

    private static ReadOnlyMemory<byte>? TryWalk(ReadOnlyMemory<byte> content)
    {
        try
        {
            return Walk(content, null, null);
        }
        catch (MalformedResourceException)
        {
            return null;
        }
    }

    private static bool HasKey(ReadOnlySpan<byte> content)
    {
        int begin = content.IndexOf(PemBegin);
        return begin >= 0 && content[begin..].IndexOf(PemKey) >= 0;
    }

    private static bool IsLengthDelimited(WireField field)
    {
        int position = 0;
        return ((WireType)(field.Whole.Span[position] & 7)) == WireType.LengthDelimited;
    }

    private static void WriteField(MemoryStream output, int number, ReadOnlySpan<byte> content)
    {
        var field = new CodedOutputStream(output, leaveOpen: true);
        field.WriteTag(number, WireType.LengthDelimited);
        field.WriteBytes(ByteString.CopyFrom(content));
        field.Flush();
    }
}
