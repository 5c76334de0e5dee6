using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Amesh.Harness.Network;

/// <summary>
/// A second network namespace, for what is outside a pod: one thread lives in it, and does nothing but make sockets, which stay there whoever
/// uses them. The namespace has no name and ends with the thread and its sockets.
/// </summary>
/// <remarks>A thread passes its namespace on to those that it starts: so nothing that could make the runtime start one is done on it.</remarks>
internal sealed partial class OtherNamespace : IDisposable
{
    private const int NewNetwork = 0x40000000;
    private readonly BlockingCollection<Order> _orders = [];
    private readonly Thread _thread;
    private readonly ManualResetEventSlim _ready = new();
    private int _id;
    private int _error;

    public OtherNamespace()
    {
        _thread = new Thread(Live) { IsBackground = true, Name = "outside" };
        _thread.Start();
        _ready.Wait();
        if (_error != 0)
        {
            throw new HarnessException($"no second network namespace: error {_error}");
        }
    }

    /// <summary>Runs a command there.</summary>
    public void Command(string program, params string[] arguments) =>
        Shell.Run("nsenter", [$"--net=/proc/{Environment.ProcessId}/task/{_id}/ns/net", program, .. arguments]);

    /// <summary>A TCP socket there.</summary>
    public Socket Socket(AddressFamily family)
    {
        var order = new Order(family);
        _orders.Add(order);
        order.Done.Wait();
        return order.Socket ?? throw new HarnessException($"no socket in the second network namespace: {order.Error}");
    }

    /// <summary>Links it with the namespace of this process, as a node's network is linked with a pod.</summary>
    /// <param name="here">The address there, with its prefix length (<c>10.77.0.1/16</c>): the pod's gateway.</param>
    /// <param name="podAddress">The pod's, likewise.</param>
    public void LinkWithPod(string here, string podAddress)
    {
        Command("ip", "link", "set", "lo", "up");
        Command("ip", "link", "add", "outside0", "type", "veth", "peer", "name", "eth0", "netns", Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        Command("ip", "addr", "add", here, "dev", "outside0");
        Command("ip", "link", "set", "outside0", "up");
        Shell.Run("ip", "link", "set", "lo", "up");
        Shell.Run("ip", "addr", "add", podAddress, "dev", "eth0");
        Shell.Run("ip", "link", "set", "eth0", "up");
        Shell.Run("ip", "route", "replace", "default", "via", here.Split('/')[0]);
    }

    public void Dispose()
    {
        _orders.CompleteAdding();
        _thread.Join(TimeSpan.FromSeconds(5));
        _orders.Dispose();
        _ready.Dispose();
    }

    private void Live()
    {
        _error = Unshare(NewNetwork) == 0 ? 0 : Marshal.GetLastPInvokeError();
        _id = ThreadId();
        _ready.Set();
        foreach (var order in _orders.GetConsumingEnumerable())
        {
            try
            {
                order.Socket = new Socket(order.Family, SocketType.Stream, ProtocolType.Tcp);
            }
            catch (SocketException e)
            {
                order.Error = e.Message;
            }
            order.Done.Set();
        }
    }

    private sealed class Order(AddressFamily family)
    {
        public AddressFamily Family => family;
        public ManualResetEventSlim Done { get; } = new();
        public Socket? Socket { get; set; }
        public string? Error { get; set; }
    }

    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static partial int Unshare(int flags);

    [LibraryImport("libc", EntryPoint = "gettid")]
    private static partial int ThreadId();
}
