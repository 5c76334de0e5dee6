using Google.Protobuf;

namespace Amesh.Translation.Filters.Rbac;

/// <summary>Whether a message says something that our definitions do not know of.</summary>
internal static class UnknownFields
{
    public static bool In<T>(T message, MessageParser<T> parser)
        where T : IMessage<T> =>
        parser.WithDiscardUnknownFields(true).ParseFrom(message.ToByteString()).CalculateSize() != message.CalculateSize();
}
