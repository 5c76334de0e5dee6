using System.Net;
using System.Net.Sockets;

namespace Amesh.Dns;

/// <summary>Looks up a name once.</summary>
internal interface INameLookup
{
    Task<LookupResult> LookUpAsync(NameQuery query, CancellationToken ct);
}

/// <summary>Looks names up as the machine is configured: /etc/hosts, then the servers of resolv.conf or of the query.</summary>
/// <remarks>
/// The rules are those of c-ares, which Envoy resolves with: a name that one server does not have, no server has; a
/// failing server is passed over for the next; what is in the hosts file is not asked for.
/// </remarks>
internal sealed class NameLookup(string resolvConf = "/etc/resolv.conf", string hosts = "/etc/hosts") : INameLookup, IDisposable
{
    // A mesh may have thousands of names; that many sockets at once would be a burden on both sides.
    private const int MaxQuestions = 64;

    private readonly SemaphoreSlim _questions = new(MaxQuestions);
    private readonly Lock _files = new();
    private readonly SystemFile<ResolvConf> _resolvConf = new(resolvConf, ResolvConf.Parse);
    private readonly SystemFile<HostsFile> _hosts = new(hosts, HostsFile.Parse);
    private int _turn;

    public void Dispose() => _questions.Dispose();

    public async Task<LookupResult> LookUpAsync(NameQuery query, CancellationToken ct)
    {
        switch (query.Family)
        {
            case LookupFamily.V4Only:
                return await OneFamilyAsync(query, DnsMessage.TypeA, ct).ConfigureAwait(false);
            case LookupFamily.V6Only:
                return await OneFamilyAsync(query, DnsMessage.TypeAaaa, ct).ConfigureAwait(false);
            case LookupFamily.All:
                Task<LookupResult> both = OneFamilyAsync(query, DnsMessage.TypeAaaa, ct);
                return Together(await OneFamilyAsync(query, DnsMessage.TypeA, ct).ConfigureAwait(false), await both.ConfigureAwait(false));
            default:
                bool v4First = query.Family == LookupFamily.V4Preferred;
                LookupResult first = await OneFamilyAsync(query, v4First ? DnsMessage.TypeA : DnsMessage.TypeAaaa, ct).ConfigureAwait(false);
                return first.Status == LookupStatus.Found
                    ? first
                    : await OneFamilyAsync(query, v4First ? DnsMessage.TypeAaaa : DnsMessage.TypeA, ct).ConfigureAwait(false);
        }
    }

    private static LookupResult Together(LookupResult a, LookupResult b) =>
        a.Status == LookupStatus.Failed && b.Status != LookupStatus.Found ? a
        : b.Status == LookupStatus.Failed && a.Status != LookupStatus.Found ? b
        : LookupResult.Of(a.Addresses.Concat(b.Addresses));

    private async Task<LookupResult> OneFamilyAsync(NameQuery query, ushort type, CancellationToken ct)
    {
        AddressFamily family = type == DnsMessage.TypeA ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6;
        ResolvConf conf;
        IReadOnlyList<IPAddress> known;
        lock (_files)
        {
            conf = _resolvConf.Read();
            known = KnownAddresses(query.Name, _hosts.Read());
        }

        FoundAddress[] ours = [.. known.Where(a => a.AddressFamily == family).Select(a => new FoundAddress(a, TimeSpan.Zero))];
        if (ours.Length > 0)
        {
            return LookupResult.Of(ours);
        }

        if (IPAddress.TryParse(query.Name, out _))
        {
            return LookupResult.Empty;
        }

        IReadOnlyList<IPEndPoint> servers = ServersOf(query, conf);
        LookupResult? failed = null;
        foreach (string name in conf.Candidates(query.Name, query.NoSearch))
        {
            LookupResult result = DnsMessage.IsName(name)
                ? await AskServersAsync(servers, name, type, query.UseTcp || conf.UseTcp, conf, ct).ConfigureAwait(false)
                : LookupResult.Failed("that is no name");
            if (result.Status == LookupStatus.Found)
            {
                return result;
            }

            failed ??= result.Status == LookupStatus.Failed ? result : null;
        }

        return failed ?? LookupResult.Empty;
    }

    private static IReadOnlyList<IPAddress> KnownAddresses(string name, HostsFile hosts)
    {
        if (IPAddress.TryParse(name, out IPAddress? literal))
        {
            return [literal];
        }

        IReadOnlyList<IPAddress> written = hosts.Addresses(name);
        string bare = name.TrimEnd('.');
        return written.Count == 0 && (bare.Equals("localhost", StringComparison.OrdinalIgnoreCase) || bare.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase))
            ? [IPAddress.Loopback, IPAddress.IPv6Loopback] // RFC 6761
            : written;
    }

    private static IReadOnlyList<IPEndPoint> ServersOf(NameQuery query, ResolvConf conf)
    {
        IReadOnlyList<IPEndPoint> given = [.. query.Servers
            .Split(',', StringSplitOptions.RemoveEmptyEntries)
            .Select(text => IPEndPoint.TryParse(text, out IPEndPoint? server) ? server : null)
            .OfType<IPEndPoint>()];
        bool useGiven = given.Count > 0 && (!query.ServersAreFallback || conf.Servers.Count == 0);
        return useGiven ? given : conf.Servers.Count > 0 ? conf.Servers : [new IPEndPoint(IPAddress.Loopback, 53)];
    }

    private async Task<LookupResult> AskServersAsync(
        IReadOnlyList<IPEndPoint> servers, string name, ushort type, bool useTcp, ResolvConf conf, CancellationToken ct)
    {
        string reason = "";
        int start = conf.Rotate ? Interlocked.Increment(ref _turn) & int.MaxValue : 0;
        for (int i = 0; i < servers.Count * conf.Attempts; i++)
        {
            IPEndPoint server = servers[(start + i) % servers.Count];
            (DnsReply? reply, string trouble) = await AskAsync(server, name, type, useTcp, conf.Timeout, ct).ConfigureAwait(false);
            if (reply?.Code is DnsCode.NoError or DnsCode.NoSuchName)
            {
                return reply.Code == DnsCode.NoError ? LookupResult.Of(reply.Addresses) : LookupResult.Empty;
            }

            reason = trouble;

            // A server that answers with a failure would answer so again.
            if (reply is not null && i >= servers.Count - 1)
            {
                break;
            }
        }

        return LookupResult.Failed(reason);
    }

    private async Task<(DnsReply? Reply, string Trouble)> AskAsync(
        IPEndPoint server, string name, ushort type, bool useTcp, TimeSpan timeout, CancellationToken ct)
    {
        await _questions.WaitAsync(ct).ConfigureAwait(false);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(timeout);
        try
        {
            DnsReply reply = await DnsExchange.AskAsync(server, name, type, useTcp, limit.Token).ConfigureAwait(false);
            return (reply, $"{server} answers {name} with {reply.Code}");
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return (null, $"{server} does not answer");
        }
        catch (SocketException e)
        {
            return (null, $"{server}: {e.Message}");
        }
        finally
        {
            _questions.Release();
        }
    }
}
