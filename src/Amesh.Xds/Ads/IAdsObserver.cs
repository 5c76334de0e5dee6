namespace Amesh.Xds.Ads;

/// <summary>Sees the messages of an <see cref="AdsClient"/> as they are on the wire. Called on the client's loop: must not block.</summary>
public interface IAdsObserver
{
    /// <summary>A request is about to be sent.</summary>
    /// <param name="protocol">Tells whether it is a <c>DiscoveryRequest</c> or a <c>DeltaDiscoveryRequest</c>.</param>
    /// <param name="message">Its bytes.</param>
    void Sending(AdsProtocol protocol, ReadOnlyMemory<byte> message);

    /// <summary>A response has come and is not yet processed.</summary>
    /// <param name="protocol">Tells whether it is a <c>DiscoveryResponse</c> or a <c>DeltaDiscoveryResponse</c>.</param>
    /// <param name="message">Its bytes.</param>
    void Received(AdsProtocol protocol, ReadOnlyMemory<byte> message);
}
