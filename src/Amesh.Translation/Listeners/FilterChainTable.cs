using Amesh.Apisix;
using Amesh.Translation.Routes;
using Amesh.Translation.Secrets;
using Amesh.Xds.Store;
using Envoy.Config.Listener.V3;
using EnvoyListener = Envoy.Config.Listener.V3.Listener;

namespace Amesh.Translation.Listeners;

/// <summary>The filter chains that are held, and who else has to do with what is in them.</summary>
/// <param name="objects">Where listeners and the secrets that are written in chains go.</param>
/// <param name="data">Reads what chains keep in files.</param>
/// <param name="certificates">Made of secrets that chains name.</param>
/// <param name="virtualHosts">Made of route configurations that are written in chains.</param>
/// <param name="streamRoutes">Made of TCP proxies.</param>
/// <param name="guard">Keeps one listener's faults from the others.</param>
internal sealed class FilterChainTable(
    ObjectTable objects, IDataReader data, CertificateTable certificates, VirtualHostTable virtualHosts, StreamRouteTable streamRoutes, UnitGuard guard)
{
    // What the default_filter_chain goes by, in the form of chains without a name.
    private const string DefaultChain = "#default";

    private readonly ListenerTable _listeners = new();
    private readonly Dictionary<ChainKey, FilterChainModel> _chains = [];

    /// <summary>What a listener says beside its chains, but for the last, has come, has changed or, without a message, has gone.</summary>
    public void Note(string listener, EnvoyListener? message, DiagnosticScope diagnostics)
    {
        ListenerModel? model = message is null ? null : ListenerModel.From(message, diagnostics);
        FilterChainModel? last = message?.DefaultFilterChain is { } chain && model is not null
            ? FilterChainTranslator.Translate(listener, DefaultChain, chain, data, diagnostics.At("default_filter_chain"))
            : null;
        _listeners.SetHead(listener, model, last?.Chain);
        Set(new ChainKey(listener, DefaultChain), last);
    }

    /// <summary>A chain has come, has changed or, without a message, has gone.</summary>
    public void Note(string listener, string name, FilterChain? message, DiagnosticScope diagnostics)
    {
        var key = new ChainKey(listener, name);
        try
        {
            SetOfListener(key, message is null ? null : FilterChainTranslator.Translate(listener, name, message, data, diagnostics));
        }
        catch (Exception) when (message is not null && !_chains.ContainsKey(key))
        {
            // Without it a broader chain would take its connections, past what would have refused them here.
            SetOfListener(key, FilterChainTranslator.Closed(name, message, diagnostics));
            throw;
        }
    }

    /// <summary>Makes again the listeners that must be.</summary>
    public void Make()
    {
        foreach ((Owner owner, IReadOnlyList<Apisix.Listener> listeners) in _listeners.Make())
        {
            guard.Try(new UnitKey(UnitKind.Listener, owner.Resource, ""), () => objects.Set(owner, listeners));
        }
    }

    private void SetOfListener(ChainKey key, FilterChainModel? model)
    {
        _listeners.SetChain(key.Listener, key.Name, model);
        Set(key, model);
    }

    private void Set(ChainKey key, FilterChainModel? model)
    {
        _chains.Remove(key, out FilterChainModel? before);
        if (model is not null)
        {
            _chains[key] = model;
        }

        SetSecrets(key, before?.Secrets ?? [], model?.Secrets ?? []);
        certificates.SetChain(key, model?.Chain);
        if (before?.Inline is not null || model?.Inline is not null)
        {
            virtualHosts.SetInline(HttpChains.InlineName(key.Listener, key.Name), model?.Inline);
        }

        streamRoutes.SetChain(key, model);
    }

    private void SetSecrets(ChainKey key, IReadOnlyList<Secret> before, IReadOnlyList<Secret> secrets)
    {
        objects.Set(new Owner(ObjectKind.Secret, $"listener {key.Listener}", key.Name), secrets);
        foreach (Secret gone in before)
        {
            certificates.SetSecret(gone.Id, null);
        }

        foreach (Secret secret in secrets)
        {
            certificates.SetSecret(secret.Id, secret);
        }
    }
}
