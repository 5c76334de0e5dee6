using Amesh.Grpc.Wire;

namespace Amesh.Grpc.Tests;

public sealed class WireFormatTests
{
    [Theory]
    [InlineData(0, "1u")]
    [InlineData(1, "1000u")]
    [InlineData(99_999, "99999000u")]
    [InlineData(100_000, "100000m")]
    [InlineData(99_999_999, "99999999m")]
    [InlineData(100_000_000, "100000S")]
    [InlineData(99_999_999_000, "99999999S")]
    [InlineData(100_000_000_000, "27777H")]
    public void A_timeout_has_the_finest_unit_with_room_in_eight_digits(long milliseconds, string text)
    {
        Assert.Equal(text, WireFormat.FormatTimeout(TimeSpan.FromMilliseconds(milliseconds)));
        Assert.True(WireFormat.TryParseTimeout(text, out TimeSpan parsed));
        // Never longer than what was asked, but for a timeout of nothing.
        Assert.InRange(parsed, TimeSpan.Zero, TimeSpan.FromMilliseconds(Math.Max(1, milliseconds)));
    }

    [Theory]
    [InlineData("5H", 5 * 3600)]
    [InlineData("2M", 120)]
    [InlineData("7S", 7)]
    [InlineData("99999999H", 99_999_999L * 3600)]
    public void Every_unit_is_read(string text, long seconds)
    {
        Assert.True(WireFormat.TryParseTimeout(text, out TimeSpan parsed));
        Assert.Equal(TimeSpan.FromSeconds(seconds), parsed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("m")]
    [InlineData("-5m")]
    [InlineData("1.5S")]
    [InlineData("123456789m")]
    [InlineData("5d")]
    public void What_is_no_timeout_is_refused(string text) => Assert.False(WireFormat.TryParseTimeout(text, out _));

    [Theory]
    [InlineData("plain text", "plain text")]
    [InlineData("100%", "100%25")]
    [InlineData("ünïcode ✗\n", "%C3%BCn%C3%AFcode %E2%9C%97%0A")]
    [InlineData("", "")]
    public void A_message_is_encoded_and_comes_back(string text, string encoded)
    {
        Assert.Equal(encoded, WireFormat.EncodeMessage(text));
        Assert.Equal(text, WireFormat.DecodeMessage(encoded));
    }

    [Theory]
    [InlineData("50% off", "50% off")]
    [InlineData("%", "%")]
    [InlineData("%4", "%4")]
    [InlineData("%41%zz%", "A%zz%")]
    [InlineData("%ff", "\ufffd")]
    public void A_badly_encoded_message_is_still_shown(string encoded, string text) => Assert.Equal(text, WireFormat.DecodeMessage(encoded));

    [Theory]
    [InlineData("application/grpc", true)]
    [InlineData("application/grpc+proto", true)]
    [InlineData("Application/GRPC;charset=utf-8", true)]
    [InlineData("application/grpc-web", false)]
    [InlineData("application/grpcfoo", false)]
    [InlineData("text/html", false)]
    [InlineData(null, false)]
    public void Only_gRPCs_content_types_count(string? contentType, bool expected) => Assert.Equal(expected, WireFormat.IsGrpc(contentType));

    [Theory]
    [InlineData("Upper", "v", "lower-case")]
    [InlineData("spa ce", "v", "lower-case")]
    [InlineData("grpc-status", "0", "keeps for itself")]
    [InlineData("content-type", "x", "belongs to HTTP")]
    [InlineData("x-bin", "v", "AddBinary")]
    [InlineData("x", "ü", "printable ASCII")]
    [InlineData("x", "a\r\nb: c", "printable ASCII")]
    public void Metadata_that_may_not_be_sent_is_refused(string name, string value, string says) =>
        Assert.Contains(says, Assert.Throws<ArgumentException>(() => new GrpcMetadata().Add(name, value)).Message, StringComparison.Ordinal);

    [Fact]
    public void Binary_metadata_wants_its_suffix_and_reads_with_and_without_padding()
    {
        GrpcMetadata metadata = new();
        Assert.Throws<ArgumentException>(() => metadata.AddBinary("x", [1]));
        metadata.AddReceived("padded-bin", "AQ==");
        metadata.AddReceived("bare-bin", "AQ");
        metadata.AddReceived("broken-bin", "*");
        Assert.True(metadata.TryGetBinary("padded-bin", out byte[]? padded));
        Assert.True(metadata.TryGetBinary("bare-bin", out byte[]? bare));
        Assert.Equal(padded, bare);
        Assert.False(metadata.TryGetBinary("broken-bin", out _));
        Assert.False(metadata.TryGetBinary("absent-bin", out _));
    }
}
