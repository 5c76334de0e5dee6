using System.Globalization;
using System.Text;
using Amesh.Apisix;
using Amesh.Translation;

namespace Amesh.Native;

/// <summary>
/// The objects of the last commits in a file, so that a pod that is started again while the control plane is away serves what
/// it served before.
/// </summary>
/// <remarks>
/// A head line, a line <c>KEY JSON</c> for each object, and <c>end</c>. Written beside and renamed, so that a reader finds a whole
/// file or none. It has no secrets that the shared dictionary has not; it is readable by its owner alone.
/// </remarks>
internal sealed class LastGoodState(string path)
{
    private const string Head = "amesh-state 1 ";
    private const string End = "end";
    private const UnixFileMode OwnerAlone = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Writes the objects.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public void Save(IEnumerable<ConfigObject> objects, DateTimeOffset now)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder)
        {
            Directory.CreateDirectory(folder);
        }

        string beside = path + ".new";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = OwnerAlone };
        using (var file = new FileStream(beside, options))
        {
            Write(file, Head + now.ToString("O", CultureInfo.InvariantCulture) + "\n");
            foreach (ConfigObject value in objects.Where(value => !Redaction.IsSecret(value.Key.Kind)))
            {
                Write(file, value.Key + " ");
                file.Write(value.Json.Span);
                file.WriteByte((byte)'\n');
            }

            Write(file, End + "\n");
            file.Flush(flushToDisk: true);
        }

        File.Move(beside, path, overwrite: true);
    }

    /// <summary>What was saved, and when; null where there is no file.</summary>
    /// <exception cref="InvalidDataException">The file is not one of ours, or not whole.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public (DateTimeOffset Saved, IReadOnlyList<ConfigObject> Objects)? Load()
    {
        if (!File.Exists(path))
        {
            return null;
        }

        var objects = new List<ConfigObject>();
        using var reader = new StreamReader(path, Encoding.UTF8);
        string head = reader.ReadLine() ?? "";
        if (!head.StartsWith(Head, StringComparison.Ordinal)
            || !DateTimeOffset.TryParse(head.AsSpan(Head.Length), CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out DateTimeOffset saved))
        {
            throw new InvalidDataException($"{path}: this is no state that libxds has saved");
        }

        while (reader.ReadLine() is { } line)
        {
            if (line == End)
            {
                return (saved, objects);
            }

            int space = line.IndexOf(' ');
            if (space < 0 || ObjectKey.Parse(line[..space]) is not { } key)
            {
                throw new InvalidDataException($"{path}: line {objects.Count + 2} is no object");
            }

            objects.Add(new ConfigObject(key, Encoding.UTF8.GetBytes(line[(space + 1)..])));
        }

        throw new InvalidDataException($"{path}: the end is missing");
    }

    private static void Write(FileStream file, string text) => file.Write(Encoding.UTF8.GetBytes(text));
}
