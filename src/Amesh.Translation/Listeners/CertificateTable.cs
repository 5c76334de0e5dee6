using Amesh.Apisix;

namespace Amesh.Translation.Listeners;

/// <summary>
/// Certificates in APISIX's own form, which hold what secrets say: made again when their chain or one of its secrets is another.
/// </summary>
/// <param name="objects">Where they go.</param>
internal sealed class CertificateTable(ObjectTable objects)
{
    private readonly Dictionary<ChainKey, ListenerChain> _chains = [];
    private readonly Dictionary<string, Secret> _secrets = [];
    private readonly Uses<ChainKey> _uses = new();

    // What must be made again at the end of the batch.
    private readonly HashSet<ChainKey> _dirty = [];

    /// <summary>A secret that is there.</summary>
    public Secret? SecretOf(string id) => _secrets.GetValueOrDefault(id);

    /// <summary>A secret has come, has changed or, where it is null, has gone.</summary>
    public void SetSecret(string id, Secret? secret)
    {
        if (secret is null)
        {
            _secrets.Remove(id);
        }
        else
        {
            _secrets[id] = secret;
        }

        _dirty.UnionWith(_uses.Of(id));
    }

    /// <summary>A chain has come, has changed or, where it is null, has gone.</summary>
    public void SetChain(ChainKey key, ListenerChain? chain)
    {
        string[] secrets = chain?.Tls is { Ssl: not null } tls ? [.. new[] { tls.Certificate, tls.Validation }.OfType<string>().Distinct()] : [];
        bool had = _chains.Remove(key);
        if (secrets.Length > 0)
        {
            _chains[key] = chain!;
        }

        if (had || secrets.Length > 0)
        {
            _uses.Replace(key, secrets);
            _dirty.Add(key);
        }
    }

    /// <summary>Makes again what must be.</summary>
    public void Make()
    {
        ChainKey[] keys = [.. _dirty];
        _dirty.Clear();
        foreach (ChainKey key in keys)
        {
            Ssl? ssl = _chains.TryGetValue(key, out ListenerChain? chain)
                ? Certificates.Translate(chain, id => id is null ? null : _secrets.GetValueOrDefault(id))
                : null;
            objects.Set(new Owner(ObjectKind.Ssl, key.Listener, key.Name), ssl is null ? [] : [ssl]);
        }
    }
}
