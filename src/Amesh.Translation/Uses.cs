using System.Runtime.InteropServices;

namespace Amesh.Translation;

/// <summary>Who names what, from both sides: virtual hosts, chains and aggregates name clusters, clusters assignments, chains secrets.</summary>
/// <typeparam name="TUser">Tells users apart.</typeparam>
internal sealed class Uses<TUser>
    where TUser : notnull
{
    private readonly Dictionary<string, HashSet<TUser>> _users = [];
    private readonly Dictionary<TUser, IReadOnlyCollection<string>> _names = [];

    /// <summary>Those who name something.</summary>
    public IReadOnlyCollection<TUser> Of(string name) => _users.TryGetValue(name, out HashSet<TUser>? users) ? users : [];

    /// <summary>Whether anybody names something.</summary>
    public bool Any(string name) => _users.ContainsKey(name);

    /// <summary>Replaces what a user names.</summary>
    /// <returns>The names that it has begun or ceased to name.</returns>
    public IReadOnlyCollection<string> Replace(TUser user, IReadOnlyCollection<string> names)
    {
        IReadOnlyCollection<string> before = _names.GetValueOrDefault(user) ?? [];
        string[] added = [.. names.Except(before)];
        string[] gone = [.. before.Except(names)];
        foreach (string name in added)
        {
            ref HashSet<TUser>? users = ref CollectionsMarshal.GetValueRefOrAddDefault(_users, name, out _);
            (users ??= []).Add(user);
        }

        foreach (string name in gone)
        {
            HashSet<TUser> users = _users[name];
            users.Remove(user);
            if (users.Count == 0)
            {
                _users.Remove(name);
            }
        }

        if (names.Count == 0)
        {
            _names.Remove(user);
        }
        else
        {
            _names[user] = names;
        }

        return [.. added, .. gone];
    }
}
