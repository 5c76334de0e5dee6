using Amesh.Xds.Sources;

namespace Amesh.Xds.Tests.Sources;

public sealed class SourceAddressTests
{
    [Theory]
    [InlineData("grpc://127.0.0.1:15010", SourceKind.ControlPlane, "http://127.0.0.1:15010/")]
    [InlineData("grpcs://istiod.istio-system:15012", SourceKind.ControlPlane, "https://istiod.istio-system:15012/")]
    [InlineData("grpc://[::1]:80", SourceKind.ControlPlane, "http://[::1]/")]
    [InlineData("unix:/run/xds.sock", SourceKind.ControlPlane, "unix:/run/xds.sock")]
    [InlineData("unix:///run/xds.sock", SourceKind.ControlPlane, "unix:/run/xds.sock")]
    [InlineData("file:/etc/mesh", SourceKind.Files, "/etc/mesh")]
    [InlineData("file:///etc/mesh", SourceKind.Files, "/etc/mesh")]
    [InlineData("recording:samples/x", SourceKind.Recording, "samples/x")]
    public void Addresses_are_understood(string text, SourceKind kind, string target)
    {
        SourceAddress address = SourceAddress.Parse(text);
        Assert.Equal((kind, target), (address.Kind, address.Uri?.OriginalString.StartsWith("unix", StringComparison.Ordinal) == true ? address.Uri.OriginalString : address.Uri?.AbsoluteUri ?? address.Path));
    }

    [Fact]
    public void A_recording_has_a_last_step_and_a_pause()
    {
        SourceAddress address = SourceAddress.Parse("recording:dir?step=all-v1&pause=1.5s");
        Assert.Equal(("dir", "all-v1", TimeSpan.FromSeconds(1.5)), (address.Path, address.LastStep, address.Pause));
    }

    [Theory]
    [InlineData("", "it has no scheme")]
    [InlineData("127.0.0.1:15010", "'127.0.0.1' is no scheme")]
    [InlineData("http://x:1", "'http' is no scheme")]
    [InlineData("grpc://host", "the port is missing")]
    [InlineData("grpc:host:1", "host and port are missing")]
    [InlineData("grpc://host:1/path", "nothing may follow the port")]
    [InlineData("unix:relative", "must be absolute")]
    [InlineData("file:", "the folder is missing")]
    [InlineData("recording:x?speed=2", "'speed=2' is no option")]
    public void What_is_no_address_is_told_with_the_reason(string text, string reason) =>
        Assert.Contains(reason, Assert.Throws<SourceException>(() => SourceAddress.Parse(text)).Message);
}
