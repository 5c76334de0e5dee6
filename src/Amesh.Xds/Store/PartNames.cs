using System.Globalization;

namespace Amesh.Xds.Store;

/// <summary>
/// What the parts of one resource go by: their names, and where a name is missing or not unique, what tells them apart. Not their
/// place, which changes when a neighbour comes or goes.
/// </summary>
internal sealed class PartNames
{
    private readonly Dictionary<(UnitKind Kind, string Name), int> _counts = [];

    /// <summary>Takes a part in; the name that it has so far.</summary>
    public string Note(PartField part, ReadOnlyMemory<byte> bytes)
    {
        string name = WireFields.Text(bytes, part.NameField);
        int count = _counts.GetValueOrDefault((part.Kind, name)) + 1;
        if (part.TellingField == 0 && (name.Length == 0 || count > 1))
        {
            throw new MalformedResourceException(name.Length == 0 ? $"a {part.Kind} has no name" : $"two of kind {part.Kind} are named {name}");
        }

        _counts[(part.Kind, name)] = count;
        return name;
    }

    /// <summary>Gives those another name that need one, once all parts have been noted.</summary>
    public void MakeUnique(List<ResourcePart> parts, IEnumerable<PartField> fields)
    {
        Dictionary<UnitKind, int> tellingFields = fields.ToDictionary(field => field.Kind, field => field.TellingField);
        var taken = new HashSet<(UnitKind Kind, string Name)>();
        for (int i = 0; i < parts.Count; i++)
        {
            ResourcePart part = parts[i];
            if (part.Name is null || (part.Name.Length > 0 && _counts[(part.Kind, part.Name)] == 1))
            {
                continue;
            }

            string told = $"{part.Name}#{Fingerprint(part.Bytes, tellingFields[part.Kind])}";
            string name = told;
            for (int again = 2; !taken.Add((part.Kind, name)) || _counts.ContainsKey((part.Kind, name)); again++)
            {
                name = $"{told}-{again}";
            }

            parts[i] = part with { Name = name };
        }
    }

    // FNV-1a over all values of the field; 0 where there is none.
    private static string Fingerprint(ReadOnlyMemory<byte> message, int field)
    {
        ulong hash = 14695981039346656037;
        bool isThere = false;
        foreach (WireField part in WireFields.Read(message))
        {
            if (part.Number != field)
            {
                continue;
            }

            foreach (byte next in part.Content.Span)
            {
                hash = (hash ^ next) * 1099511628211;
                isThere = true;
            }
        }

        return isThere ? hash.ToString("x16", CultureInfo.InvariantCulture)[..10] : "0";
    }
}
