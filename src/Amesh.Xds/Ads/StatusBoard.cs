namespace Amesh.Xds.Ads;

/// <summary>Where the client's loop writes its state down; any thread reads <see cref="Current"/>. Only the loop calls the rest.</summary>
internal sealed class StatusBoard(AdsProtocol protocol, TimeProvider time)
{
    private volatile AdsStatus _current = new(false, time.GetUtcNow(), protocol, null, null, 0, 0, 0, []);

    public AdsStatus Current => _current;

    public void Started(AdsProtocol protocol) =>
        _current = _current with
        {
            Protocol = protocol,
            Streams = _current.Streams + 1,
            Types = [.. _current.Types.Select(type => type with { Nonce = "" })],
        };

    public void Ended(string? error)
    {
        DateTimeOffset now = time.GetUtcNow();
        _current = _current with
        {
            Connected = false,
            Since = _current.Connected ? now : _current.Since,
            LastError = error ?? _current.LastError,
            LastErrorAt = error is null ? _current.LastErrorAt : now,
        };
    }

    public void Answered(Subscription subscription, string? error)
    {
        Put(subscription, type => type with
        {
            Updates = type.Updates + 1,
            Nacks = type.Nacks + (error is null ? 0 : 1),
            LastNack = error ?? type.LastNack,
        });
        _current = _current with
        {
            Connected = true,
            Since = _current.Connected ? _current.Since : time.GetUtcNow(),
            Updates = _current.Updates + 1,
            Nacks = _current.Nacks + (error is null ? 0 : 1),
        };
    }

    public void Subscribed(Subscription subscription) => Put(subscription, type => type);

    private void Put(Subscription subscription, Func<AdsTypeStatus, AdsTypeStatus> change)
    {
        AdsTypeStatus before = _current.Types.FirstOrDefault(type => type.TypeUrl == subscription.TypeUrl)
            ?? new(subscription.TypeUrl, 0, "", "", 0, 0, null);
        AdsTypeStatus after = change(before with
        {
            Subscribed = subscription.Names.Count,
            Nonce = subscription.Nonce,
            Version = subscription.AcceptedVersion,
        });
        _current = _current with
        {
            Types = [.. _current.Types.Where(type => type.TypeUrl != subscription.TypeUrl).Append(after).OrderBy(type => TypeUrls.OrderOf(type.TypeUrl))],
        };
    }
}
